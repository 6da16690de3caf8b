"""Which files an artifact makes, for every format that tools write. Pure: documents in, parts out.

read            the story: which tool's artifact it is, and its parts
part            a layer and what becomes of it
modelpack       CNCF ModelPack (modctl, kit, AIKit, RamaLama, ours), under its old and its new name
modelkit        KitOps ModelKit, whose file names are in its Kitfile or in its archives
generic         ORAS files and folders, and artifacts that name their layers like ORAS
docker          Docker Model Runner
ollama          Ollama
image           OCI and Docker images that hold a model in a folder
model_artifact  an artifact with the parents that it builds on         network, time
"""

"""From a labelled pod or workload to its injection.

inject       the story of one pod: from its label to its model
resolve      from a model's name to its source
previous     a pod without what an earlier injection added
plan         all decisions for one pod
targets      which containers get the model, and which serves it
engines      which engine a container runs, and the environment that it reads
answers      what registries say of a pod's sources
feasibility  what cannot work, and is refused
checks       what may fail later
warnings     what a user is told of such a pod
additions    volumes, the puller, and the pod's own fields
containers   mounts, environment and arguments of the application
status       the plan as it is kept on the pod
record       that status as JSON, in an annotation

pullers/     the containers that bring the model
"""

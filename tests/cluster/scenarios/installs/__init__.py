"""What operators do: install, upgrade, look, and lose a part of it.

`load` asks for admissions, and `start_time` measures the image by itself.
"""

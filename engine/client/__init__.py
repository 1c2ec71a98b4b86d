"""Child processes: started, watched by what they write, ended with all that they started. Standard library
only: the add-on, the batch coordinator and whatever else of the engine starts a process use this one."""

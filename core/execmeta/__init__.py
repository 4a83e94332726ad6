"""execmeta: which run was that, what was it about, and what else belonged to it?"""

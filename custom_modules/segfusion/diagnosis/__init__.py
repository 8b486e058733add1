"""What is wrong, and what to do about it: the installation, names in a config, its channels and its origin.

``environment`` and ``rules`` import nothing but the standard library and ``live`` nothing else at its top, so that
``tools/doctor.py`` can load them by path where this package, or what it needs, cannot be imported.
"""

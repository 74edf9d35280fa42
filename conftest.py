"""Names the plugin modules of this repository; `gen_core`'s own is an entry point of its installation."""

pytest_plugins = ("reports.plugin", "pytester")  # pytester runs pytest inside the tests of our own plugin

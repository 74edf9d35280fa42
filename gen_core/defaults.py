"""What the command line says of a run before anything else is loaded: scales, the default store, last looks."""

SCALES = ("quick", "standard", "paper")
"""The sizes at which claims run."""

STORE = ".gen-core/store"
"""Default folder of the stored trainings, relative to the root directory."""

LOCKS = ("auto", "system", "lease")
"""The kinds of a store's locks; see `gen_core.lab.locks.Locks`."""

LAST_LOOK = 64
"""The last look at a mean."""

LAST_LOOK_AT_SHARE = 256
"""The last look at a share of seeds, which needs many: 110 without a failure for nine tenths."""

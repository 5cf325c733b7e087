"""RegGAN in Blender: facial expressions in rendered frames and texture maps.

Nothing of Blender is imported until `register` is called, so that the build and the tests of
`bridge` run without it.
"""


def register() -> None:
    """Add the add-on's operators, panels and settings to Blender."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Stop what still runs, and take everything out of Blender again."""
    from . import registration

    registration.unregister()

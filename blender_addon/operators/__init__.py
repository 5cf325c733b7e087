"""One operator a file: gather what Blender knows, run one job, bring its result back."""

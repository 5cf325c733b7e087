"""Methods of papers (contract 1): their networks, their training, their comparison, a study."""

"""The MakeHuman family: any number of sampled identities, moved by the ARKit face units."""

"""From a folder or zip of pictures to batches of uint8 pixels and labels.

Nothing is imported here, so that drawing avatars in other processes does not load torch.
`dataset` opens data, `loader` serves batches, `prepare` makes training zips, `check` reports what
is wrong with a data set, `avatars` draws the built-in one.
"""

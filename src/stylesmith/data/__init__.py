"""From a folder, zip or container of images to batches of uint8 pixels and labels.

Nothing is imported here, so that drawing avatars in other processes does not load torch.
`dataset` opens data, `loader` serves batches, `prepare` makes training zips, `scan` checks a
data set, `avatars` draws the built-in one.
"""

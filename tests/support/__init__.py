"""The test rig: real servers on free ports in temporary folders, and small clients to speak to them."""

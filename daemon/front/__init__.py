"""The process that browsers and the command line talk to: connections, pairing, the queue, and the hold on the worker.

It never imports torch, Pillow or the worker, and never decodes an image.
"""

"""The bytes that the worker holds of its GPU. It asks torch, which the front never loads."""


class DeviceMemory:
    """Nothing is known before `watch`: until then torch may be half imported."""

    def __init__(self) -> None:
        self._device: str | None = None

    def watch(self, device: str) -> None:
        """From now on this device's memory is meant; a processor has none of its own."""
        self._device = device if device.startswith("cuda") else None

    def bytes(self) -> int | None:
        """Bytes that torch has reserved there, None where there is no graphics card."""
        if self._device is None:
            return None
        import torch

        return int(torch.cuda.memory_reserved(self._device))

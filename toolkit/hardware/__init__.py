"""What this machine has."""

from toolkit.hardware.machine import Machine, machine
from toolkit.hardware.memory import PeakMemory

__all__ = ["Machine", "PeakMemory", "machine"]

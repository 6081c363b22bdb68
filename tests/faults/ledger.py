"""What was sent, received and deleted, and the verdict on it: the total-queue rule. After everything has been drained,
nothing that was accepted is lost, nothing that was deleted is back, and nothing is there that nobody sent."""

import hashlib
import threading


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.attempted: set[str] = set()
        self.accepted: set[str] = set()
        self.received: dict[str, int] = {}
        self.deleted: set[str] = set()
        self.back: set[str] = set()
        self.unexpected: set[str] = set()

    @staticmethod
    def body(name: str) -> str:
        """A body that shows whether it came back whole."""
        return f"{name} {hashlib.sha256(name.encode()).hexdigest()}"

    def attempt(self, name: str) -> None:
        with self.lock:
            self.attempted.add(name)

    def accept(self, name: str) -> None:
        with self.lock:
            self.accepted.add(name)

    def receive(self, body: str) -> str:
        name = body.split(" ")[0]
        with self.lock:
            self.received[name] = self.received.get(name, 0) + 1
            if name not in self.attempted or body != self.body(name):
                self.unexpected.add(body)
            if name in self.deleted:
                self.back.add(name)
        return name

    def delete(self, name: str) -> None:
        with self.lock:
            self.deleted.add(name)

    @property
    def lost(self) -> set[str]:
        return self.accepted - self.received.keys()

    @property
    def duplicates(self) -> int:
        return sum(times - 1 for times in self.received.values())

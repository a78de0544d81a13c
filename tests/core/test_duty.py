"""Which frames are searched, and how often they are wanted."""

import numpy as np

from edgeface.core.duty import Duty, DutyLimits
from edgeface.core.motion import Motion
from edgeface.core.types import Frame
from tests.core.test_motion import room, with_somebody

LIMITS = DutyLimits(check_seconds=2.0, follow_seconds=1.5, idle_after_seconds=10.0, idle_period_seconds=0.2)
FPS = 10


class Watched:
    """A duty and the times at which it wanted a search."""

    def __init__(self):
        self.duty, self.now, self.searched, self.periods = Duty(Motion(), LIMITS), 100.0, [], []

    def see(self, seconds, picture, occupied=False, found=False):
        for _ in range(round(seconds * FPS)):
            frame = Frame(picture, self.now)
            if self.duty.wants(frame, occupied=occupied):
                self.duty.searched(frame, found=found)
                self.searched.append(round(self.now - 100, 2))
            self.periods.append(self.duty.period_seconds)
            self.now += 1 / FPS
        return self


def test_where_nothing_moves_a_frame_is_searched_every_two_seconds_all_the_same():
    watched = Watched().see(60, room())
    assert np.allclose(np.diff(watched.searched), 2.0, atol=0.11)
    assert watched.searched[0] == 0 and watched.searched[-1] >= 57


def test_every_frame_is_searched_in_which_something_differs():
    watched = Watched().see(30, room()).see(3, with_somebody())
    assert [at for at in watched.searched if at >= 30] == [round(30 + step / FPS, 2) for step in range(30)]


def test_while_somebody_is_here_every_frame_is_searched_however_still_they_stand():
    watched = Watched().see(30, room()).see(120, with_somebody(), occupied=True)
    assert len([at for at in watched.searched if at >= 30]) == 120 * FPS
    assert not watched.duty.stir


def test_a_face_is_followed_for_a_while_after_it_was_found():
    watched = Watched().see(60, room()).see(0.1, room(), occupied=True, found=True).see(3, room())
    followed = [at for at in watched.searched if 60 < at < 62.5]
    assert followed[:15] == [round(60.1 + step / FPS, 2) for step in range(15)]
    assert len(followed) <= 16


def test_frames_are_wanted_rarely_when_nothing_has_differed_for_a_while_and_fast_again_at_once():
    watched = Watched().see(30, room()).see(1, with_somebody())
    assert watched.periods[: 10 * FPS] == [0.0] * 10 * FPS
    assert set(watched.periods[11 * FPS : 30 * FPS]) == {0.2}
    assert set(watched.periods[30 * FPS :]) == {0.0}


def test_a_clock_set_back_delays_no_search():
    watched = Watched().see(60, room())
    watched.now -= 3600
    watched.searched.clear()
    watched.see(4, room())
    assert watched.searched[0] == -3540
    assert len(watched.searched) >= 2

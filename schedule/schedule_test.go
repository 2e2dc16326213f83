package schedule_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brygga/schedule"
)

// notes are the times at which a job was done, after the beginning.
type notes struct {
	mu    sync.Mutex
	began time.Time
	times []time.Duration
}

func newNotes() *notes { return &notes{began: time.Now()} }

func (n *notes) add() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.times = append(n.times, time.Since(n.began))
	return len(n.times)
}

func (n *notes) are(t *testing.T, want ...time.Duration) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Equal(n.times, want) {
		t.Errorf("done after %v, want %v", n.times, want)
	}
}

func TestJobsAreDoneInTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s schedule.Schedule
		slow, quick, once := newNotes(), newNotes(), newNotes()
		s.Add(3*time.Second, func(late time.Duration) time.Duration {
			if late != 0 {
				t.Errorf("late by %s", late)
			}
			if slow.add() == 3 {
				return schedule.Over
			}
			return 4 * time.Second
		})
		s.Add(time.Second, func(time.Duration) time.Duration {
			if quick.add() == 4 {
				return schedule.Over
			}
			return time.Second
		})
		s.Add(0, func(time.Duration) time.Duration { once.add(); return schedule.Over })
		time.Sleep(time.Minute)
		slow.are(t, 3*time.Second, 7*time.Second, 11*time.Second)
		quick.are(t, 1*time.Second, 2*time.Second, 3*time.Second, 4*time.Second)
		once.are(t, 0)
	})
}

// A job that takes its time holds up no other for long, and is not done twice at once. Many that are due at once are begun one after the other.
func TestSlowJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s schedule.Schedule
		quick, slow := newNotes(), newNotes()
		var under atomic.Int32
		for range 100 {
			s.Add(time.Second, func(time.Duration) time.Duration {
				under.Add(1)
				time.Sleep(10 * time.Second)
				return schedule.Over
			})
		}
		stuck := s.Add(time.Second, func(time.Duration) time.Duration {
			if slow.add() == 2 {
				return schedule.Over
			}
			time.Sleep(10 * time.Second)
			return time.Second
		})
		s.Add(2*time.Second, func(time.Duration) time.Duration {
			if quick.add() == 3 {
				return schedule.Over
			}
			return time.Second
		})
		time.Sleep(time.Second + time.Millisecond)
		if n := under.Load(); n < 30 || n > 40 {
			t.Errorf("%d jobs were begun at the same moment", n)
		}
		time.Sleep(4 * time.Second)
		if n := under.Load(); n != 100 {
			t.Errorf("%d of 100 jobs are under way", n)
		}
		quick.are(t, 2*time.Second, 3*time.Second, 4*time.Second)
		stuck.Wake()
		time.Sleep(time.Minute)
		slow.mu.Lock()
		defer slow.mu.Unlock()
		if len(slow.times) != 2 || slow.times[1] != slow.times[0]+10*time.Second { // at once when it was ready, and not a second later
			t.Errorf("the job that was woken was done at %v", slow.times)
		}
	})
}

func TestWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s schedule.Schedule
		woken, other := newNotes(), newNotes()
		var job *schedule.Job
		job = s.Add(time.Hour, func(time.Duration) time.Duration {
			switch woken.add() {
			case 2:
				job.Wake() // its own doing
			case 3:
				return schedule.Over
			}
			return time.Hour
		})
		s.Add(time.Minute, func(time.Duration) time.Duration { other.add(); return schedule.Over })
		time.Sleep(time.Second)
		job.Wake()
		time.Sleep(time.Second)
		s.WakeAll()
		time.Sleep(2 * time.Hour)
		woken.are(t, time.Second, 2*time.Second, 2*time.Second)
		other.are(t, 2*time.Second)
		job.Wake()
		time.Sleep(2 * time.Hour)
		woken.are(t, time.Second, 2*time.Second, 2*time.Second)
	})
}

// Where many jobs come shortly one after the other, none is brought forward and none is later than a waking.
func TestManyJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s schedule.Schedule
		began := time.Now()
		var wakings sync.Map
		var done atomic.Int32
		for i := range 10_000 {
			due := time.Second + time.Duration(i)*100*time.Microsecond
			s.Add(due, func(late time.Duration) time.Duration {
				now := time.Since(began)
				if now < due || now > due+schedule.Tick || late != now-due {
					t.Errorf("the job of %s is done at %s, late by %s", due, now, late)
				}
				wakings.Store(now, true)
				done.Add(1)
				return schedule.Over
			})
		}
		time.Sleep(time.Minute)
		n := 0
		wakings.Range(func(any, any) bool { n++; return true })
		if done.Load() != 10_000 || n > 51 {
			t.Errorf("%d jobs were done in %d wakings", done.Load(), n)
		}
	})
}

// All schedules wake up at the same moments.
func TestSchedulesWakeUpTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12345 * time.Microsecond)
		var all [3]schedule.Schedule
		wakings := map[time.Time]bool{}
		var mu sync.Mutex
		for i := range all {
			due := time.Second + time.Duration(i)*time.Millisecond
			all[i].Add(due, func(late time.Duration) time.Duration {
				mu.Lock()
				defer mu.Unlock()
				wakings[time.Now()] = true
				return time.Second
			})
		}
		time.Sleep(5 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(wakings) != 4 {
			t.Errorf("woken up at %d moments in four seconds", len(wakings))
		}
	})
}

// One goroutine does all quick jobs that are due, and another comes only when one of them is not quick.
func TestQuickJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schedule.Schedule{Quick: true}
		var order []int
		var mu sync.Mutex
		begun := newNotes()
		for i := range 100 {
			s.Add(time.Second, func(time.Duration) time.Duration {
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				if begun.add() == 50 {
					time.Sleep(10 * time.Second)
				}
				return schedule.Over
			})
		}
		time.Sleep(time.Minute)
		begun.are(t, slices.Concat(slices.Repeat([]time.Duration{time.Second}, 50), slices.Repeat([]time.Duration{time.Second + time.Millisecond}, 50))...)
		mu.Lock()
		defer mu.Unlock()
		if len(order) != 100 {
			t.Errorf("%d jobs were begun", len(order))
		}
	})
}

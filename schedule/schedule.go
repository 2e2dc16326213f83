// Package schedule does jobs again and again, each at its own time, without a goroutine for each: ten thousand that wait take no stack.
// Goroutines are as many as there are jobs under way at the same time.
//
// It must not know what the jobs do.
package schedule

import (
	"container/heap"
	"sync"
	"time"
)

// Over is what a job returns that is done for good.
const Over time.Duration = -1

const (
	// Tick is by how much a job may be late: the process wakes up at multiples of it on the clock, the same ones for all schedules, and does all
	// that has fallen due since. To wake up costs more than a job does.
	Tick = 20 * time.Millisecond
	// grain is how long other quick jobs wait for one that takes its time.
	grain = time.Millisecond
	// So many jobs are begun as they fall due. While more are under way, others wait for one to end, or for patience: what was held up for a
	// moment is then not begun all at once, each with a stack and a connection of its own, and what is stuck holds up nothing for long.
	eager    = 32
	patience = 2 * time.Millisecond
)

// Schedule has jobs done. The zero value has none and may be used. Its methods may be called concurrently, and from jobs.
type Schedule struct {
	// Quick says that jobs hardly ever wait for anything, so that one goroutine does all that are due, unless one takes its time after all. It
	// must be set before the first job is added.
	Quick bool

	mu      sync.Mutex
	waiting queue
	under   int // jobs that are being done
	timer   *time.Timer
	// armed is when the timer goes off, the zero time while it does not.
	armed time.Time
}

// Job is something that is done again and again.
type Job struct {
	schedule *Schedule
	do       func(late time.Duration) time.Duration
	due      time.Time
	// place is that in the queue, negative for a job that does not wait there: it is being done or over. woken says that it is to be done
	// again at once.
	place int
	woken bool
}

// Add has do called after so long, and then again and again, each time after what it has returned, until that is negative. It is told by how
// much it is late. It is never called twice at once, and may take as long as it likes.
func (s *Schedule) Add(after time.Duration, do func(late time.Duration) time.Duration) *Job {
	job := &Job{schedule: s, do: do}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wait(job, after)
	return job
}

// Wake has the job done at once, and once more if it is being done just now. It does nothing to a job that is over.
func (j *Job) Wake() {
	s := j.schedule
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.place < 0 {
		j.woken = true
		return
	}
	j.due = time.Now()
	heap.Fix(&s.waiting, j.place)
	s.arm(j.due)
}

// WakeAll has all jobs done at once that wait.
func (s *Schedule) WakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, job := range s.waiting {
		job.due = now
	}
	s.arm(now)
}

// work does what is due until nothing is. While a job takes its time, the timer brings another goroutine to those that are due after it.
func (s *Schedule) work() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = time.Time{}
	for {
		now := time.Now()
		var job *Job
		if len(s.waiting) > 0 && !s.waiting[0].due.After(now) {
			job = heap.Pop(&s.waiting).(*Job)
		}
		if job == nil {
			s.armed = time.Time{} // nobody is needed any more for what was due
			s.arm(now)
			return
		}
		s.under++
		s.arm(now)
		s.mu.Unlock()
		after := job.do(now.Sub(job.due))
		s.mu.Lock()
		s.under--
		if after >= 0 {
			s.wait(job, after)
		}
	}
}

// wait puts the job into the queue. The caller holds mu, as for arm.
func (s *Schedule) wait(job *Job, after time.Duration) {
	now := time.Now()
	if job.woken {
		job.woken, after = false, 0
	}
	job.due = now.Add(after)
	heap.Push(&s.waiting, job)
	s.arm(now)
}

// arm sees to it that the timer goes off in time for the first of the queue.
func (s *Schedule) arm(now time.Time) {
	if len(s.waiting) == 0 {
		return
	}
	first := s.waiting[0].due
	switch {
	case first.After(now):
		first = nextTick(now, first)
	case s.under >= eager:
		first = now.Add(patience)
	case s.Quick && s.under > 0:
		first = now.Add(grain)
	}
	if !s.armed.IsZero() && !first.Before(s.armed) {
		return
	}
	s.armed = first
	if s.timer == nil {
		s.timer = time.AfterFunc(first.Sub(now), s.work)
		return
	}
	s.timer.Reset(first.Sub(now))
}

// nextTick returns the first tick at due or after it.
func nextTick(now, due time.Time) time.Time {
	into := time.Duration(now.UnixNano() % int64(Tick))
	return now.Add((into+due.Sub(now)+Tick-1)/Tick*Tick - into)
}

// queue is a heap of jobs, the one that is due first at its top. It implements heap.Interface.
type queue []*Job

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *queue) Push(job any) {
	j := job.(*Job)
	j.place = len(*q)
	*q = append(*q, j)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	j := (*q)[last]
	(*q)[last], j.place = nil, -1
	*q = (*q)[:last]
	return j
}

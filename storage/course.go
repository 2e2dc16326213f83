package storage

import (
	"strconv"
	"strings"
	"time"
)

// Bounds of a course, in bytes: eID services send what hint codes they like, and as many.
const (
	maxCourse     = 400
	maxCourseWord = 40
)

// note adds a step to the login's course.
func (l *Login) note(word string, at time.Time) {
	if !isCourseWord(word) {
		word = "unknown"
	}
	step := word + "@" + strconv.Itoa(max(0, int(at.Sub(l.Created)/time.Second)))
	if l.Course != "" {
		step = l.Course + " " + step
	}
	if len(step) <= maxCourse {
		l.Course = step
	}
}

func isCourseWord(word string) bool {
	isOther := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}
	return word != "" && len(word) <= maxCourseWord && !strings.ContainsFunc(word, isOther)
}

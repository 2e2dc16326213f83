package clients

import "brygga/storage"

// counted returns the settings that have more values than any may. It is asked before anything else is: to compare, complete or check a hundred
// thousand addresses would take longer than whoever waits has.
func counted(c *storage.Client) Problems {
	p := counts(settings, c)
	for _, problem := range counts(policySettings, &c.Policy) {
		problem.Key = "policy." + problem.Key
		p = append(p, problem)
	}
	return p
}

func counts[R any](of []Setting[R], record *R) (p Problems) {
	for _, s := range of {
		n := 0
		switch at := s.Place(record).(type) {
		case *[]string:
			n = len(*at)
		case *map[string]string:
			n = len(*at)
		}
		if n > maxList {
			p = append(p, Fault(s.Key, "list.long", number(n), number(maxList)))
		}
	}
	return p
}

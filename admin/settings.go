package admin

import "context"

// ShowSettings is the operation that shows the configuration in force.
const ShowSettings Name = "settings.show"

// Setting is a key of the configuration with its value, as people may read it, and where it comes from.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	// Source is a file with a line, or a variable; empty for a default.
	Source string `json:"source"`
	// Live says that a running server takes another value over when it reads its configuration again.
	Live bool `json:"live"`
}

// Settings returns the configuration in force, without secrets.
func (s *Service) Settings(ctx context.Context, actor Actor) ([]Setting, error) {
	if _, err := s.permit(ctx, actor, ShowSettings); err != nil {
		return nil, err
	}
	if s.o.Settings == nil {
		return nil, nil
	}
	return s.o.Settings(), nil
}

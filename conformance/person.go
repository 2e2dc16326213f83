package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
)

// Login says how a person gets from the provider's login page to its answer.
type Login struct {
	// Kind is bankid (brygga's page, and the simulator's virtual phone), form (pages of plain forms), command or manual.
	Kind string `json:"kind"`
	// Phone is the address of the simulator's virtual phone, for bankid.
	Phone string `json:"phone,omitempty"`
	// Steps are the pages that forms of kind form stand on, in any order.
	Steps []FormStep `json:"steps,omitempty"`
	// Command is run for kind command. It gets a request as JSON on its input and writes an answer: see hook.
	Command []string `json:"command,omitempty"`
}

// FormStep says how to fill one page in.
type FormStep struct {
	// Match is a regular expression for the page's address.
	Match string `json:"match"`
	// Fields go over those that the page's form brings; {name} and {password} stand for the person's.
	Fields map[string]string `json:"fields"`
	// Deny is like Fields when the person declines; without it the step knows no way to decline.
	Deny map[string]string `json:"deny,omitempty"`
}

// Action is what a person does at the login page.
type Action string

// The actions.
const (
	Approve Action = "approve"
	Cancel  Action = "cancel" // declines on the page
	Break   Action = "break"  // the authentication itself fails, and the person acknowledges that
)

// Driver completes logins in the person's place.
type Driver interface {
	// Act takes the browser from the login page to the next page outside the login: the way back to the client, or an error.
	// It returns an error when the page is not as it should be.
	Act(ctx context.Context, b *Browser, page *Page, person *Person, do Action) (*Page, error)
}

func newDriver(cfg *Config) (Driver, error) {
	switch cfg.Login.Kind {
	case "bankid":
		return &bankID{phone: strings.TrimSuffix(cfg.Login.Phone, "/")}, nil
	case "form":
		return formDriver(cfg.Login.Steps), nil
	case "command":
		return &hook{run: runCommand(cfg.Login.Command)}, nil
	case "manual":
		return &hook{run: askPerson}, nil
	}
	return nil, fmt.Errorf("login.kind %q is none of bankid, form, command and manual", cfg.Login.Kind)
}

// formDriver fills in plain HTML forms.
type formDriver []FormStep

// Act fills page after page in until the browser leaves.
func (d formDriver) Act(ctx context.Context, b *Browser, page *Page, person *Person, do Action) (*Page, error) {
	if do == Break {
		return nil, errors.New("login.kind form knows no way to let a login fail")
	}
	for range maxRedirects {
		step, err := d.step(page, do)
		if err != nil {
			return nil, err
		}
		b.Shown += string(page.Body)
		forms := pageForms(page.Body)
		if len(forms) == 0 {
			return nil, fmt.Errorf("no form at %s", page.URL.Path)
		}
		fill := step.Fields
		if do == Cancel && step.Deny != nil {
			fill = step.Deny
		}
		for name, value := range fill {
			value = strings.NewReplacer("{name}", person.Name, "{password}", person.Password).Replace(value)
			forms[0].fields.Set(name, value)
		}
		to, err := page.URL.Parse(forms[0].action)
		if err != nil {
			return nil, err
		}
		if page, err = b.Submit(ctx, to.String(), forms[0].fields); err != nil || page.To != nil || page.Status >= 400 {
			return page, err
		}
	}
	return nil, errors.New("the login has no end")
}

func (d formDriver) step(page *Page, do Action) (FormStep, error) {
	for _, step := range d {
		found, err := regexp.MatchString(step.Match, page.URL.String())
		if err != nil {
			return step, err
		}
		if found && (do == Approve || step.Deny != nil || len(d) > 1) {
			return step, nil
		}
	}
	return FormStep{}, fmt.Errorf("no step of login.steps matches %s", page.URL.Path)
}

// hook lets a command or a human complete the login in a browser of their own.
type hook struct {
	run func(context.Context, hookRequest) (hookAnswer, error)
	mu  sync.Mutex
}

// hookRequest is what a hook is told: the login page, the cookies that the browser has, who logs in, and what they do.
type hookRequest struct {
	URL     string            `json:"url"`
	Cookies map[string]string `json:"cookies"`
	Person  *Person           `json:"person"`
	Action  Action            `json:"action"`
}

// hookAnswer is what it answers: the address outside the provider that the browser was sent to, what it was made to post there,
// and the cookies that the provider set.
type hookAnswer struct {
	Location string            `json:"location"`
	Form     url.Values        `json:"form,omitempty"`
	Cookies  map[string]string `json:"cookies"`
}

// Act lets the hook act, one after the other.
func (h *hook) Act(ctx context.Context, b *Browser, page *Page, person *Person, do Action) (*Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ask := hookRequest{URL: page.URL.String(), Cookies: map[string]string{}, Person: person, Action: do}
	for _, cookie := range b.jar.Cookies(cookieURL(page.URL)) {
		ask.Cookies[cookie.Name] = cookie.Value
	}
	answer, err := h.run(ctx, ask)
	if err != nil {
		return nil, err
	}
	for name, value := range answer.Cookies {
		b.jar.SetCookies(cookieURL(b.origin), []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
	}
	to, err := url.Parse(answer.Location)
	if err != nil {
		return nil, err
	}
	return &Page{Answer: &Answer{Status: http.StatusFound, Header: http.Header{"Location": {answer.Location}}, URL: page.URL}, To: to, Form: answer.Form}, nil
}

func runCommand(command []string) func(context.Context, hookRequest) (hookAnswer, error) {
	return func(ctx context.Context, ask hookRequest) (answer hookAnswer, err error) {
		if len(command) == 0 {
			return answer, errors.New("login.command is empty")
		}
		input, err := json.Marshal(ask)
		if err != nil {
			return answer, err
		}
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
		output, err := cmd.Output()
		if err != nil {
			return answer, fmt.Errorf("login.command: %w", err)
		}
		return answer, json.Unmarshal(output, &answer)
	}
}

// askPerson shows the address on the terminal and reads where the browser came to.
func askPerson(_ context.Context, ask hookRequest) (hookAnswer, error) {
	fmt.Fprintf(os.Stderr, "\n%s as %s at\n  %s\nand paste the address that the browser was sent to:\n", ask.Action, ask.Person.Name, ask.URL)
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return hookAnswer{Location: strings.TrimSpace(line)}, err
}

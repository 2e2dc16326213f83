package templates

// Step is what the person or BankID is doing while an order that an app has taken is pending.
type Step string

// The steps of a pending order.
const (
	StepStarted     Step = "started"      // the app is looking for a BankID
	StepConfirm     Step = "confirm"      // security code or biometrics
	StepCallConfirm Step = "call-confirm" // is the person on a call with us?
	StepMRTD        Step = "mrtd"         // passport or identity card is to be read
	StepFace        Step = "face"         // face check
	StepStepUp      Step = "step-up"      // extra verification
	StepProcessing  Step = "processing"   // BankID is working
	StepInProgress  Step = "in-progress"  // a hint code we do not know: something is going on
	// StepReturn follows the pending order: it is approved, and the app has not sent the person back to this browser yet.
	StepReturn Step = "await-return"
)

// steps lists the hint codes of pending orders that an app has (BankID API: collect).
var steps = map[string]Step{
	"started":         StepStarted,
	"userSign":        StepConfirm,
	"userCallConfirm": StepCallConfirm,
	"userMrtd":        StepMRTD,
	"userFace":        StepFace,
	"userStepUp":      StepStepUp,
	"processing":      StepProcessing,
}

// Progress is shown while an app has the order, and until it has sent the person back.
type Progress struct {
	moving
	Step     Step
	Device   Device
	Platform Platform
	Left     Left
	Shown    Shown // for [StepConfirm]
	// Own says that the step is a word of an eID that has texts of its own for it. NoCode and Ask are those of [Choose].
	Own, NoCode bool
	Ask         Ask
}

// Key returns the step.
func (v Progress) Key() string { return string(v.step()) }

func (v Progress) left() Left { return v.Left }

func (v Progress) heading(p Page) string {
	return p.variant("progress."+v.Key()+".title", situation(v.Device, v.Platform))
}

// step returns v.Step, or the neutral one for a step that does not exist.
func (v Progress) step() Step {
	if v.Own {
		return v.Step
	}
	for _, known := range steps {
		if v.Step == known {
			return known
		}
	}
	if v.Step == StepReturn {
		return StepReturn
	}
	return StepInProgress
}

// Waiting is all the page may need to show a pending order.
type Waiting struct {
	Taken    bool   // an app has the order
	HintCode string // the eID's word for what is done there, for an order that is taken
	Own      bool   // the eID has texts of its own for that word
	NoCode   bool   // those of [Choose]
	Ask      Ask
	Device   Device
	Platform Platform
	Left     Left
	Shown    Shown
	Frame    Frame // for OtherDevice

	// For ThisDevice, see [AppWait].
	LaunchURL  string
	Order      string
	AutoLaunch bool
}

// Pending returns the view of a pending order. It shows the QR code or the launch link only while no app has taken the
// order; a hint code it does not know gives a neutral view, as an eID may add codes.
func Pending(w Waiting) View {
	if !w.Taken {
		if w.Device == OtherDevice {
			return QRWait{Frame: w.Frame, Left: w.Left, Platform: w.Platform}
		}
		return AppWait{LaunchURL: w.LaunchURL, Order: w.Order, AutoLaunch: w.AutoLaunch, Left: w.Left, Platform: w.Platform, Shown: w.Shown, NoCode: w.NoCode, Ask: w.Ask}
	}
	step, ok := steps[w.HintCode]
	switch {
	case w.Own:
		step = Step(w.HintCode)
	case !ok:
		step = StepInProgress
	}
	return Progress{Step: step, Device: w.Device, Platform: w.Platform, Left: w.Left, Shown: w.Shown, Own: w.Own, NoCode: w.NoCode, Ask: w.Ask}
}

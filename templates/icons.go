package templates

// choiceIcon is the picture on the button that chooses d.
func choiceIcon(on Platform, d Device) string {
	switch {
	case d == OtherDevice:
		return "scan"
	case on.known() == Computer:
		return "computer"
	}
	return "phone"
}

// stepIcon is the picture of a pending step.
func stepIcon(s Step) string {
	switch s {
	case StepConfirm:
		return "code"
	case StepCallConfirm:
		return "call"
	case StepMRTD:
		return "passport"
	case StepFace:
		return "face"
	case StepStepUp:
		return "person"
	case StepStarted, StepReturn:
		return "phone"
	}
	return "dots"
}

// reasonIcon is the picture of a failure.
func reasonIcon(r Reason) string {
	switch r {
	case "userCancel", "cancelled", ReasonStopped:
		return "cross"
	case "expiredTransaction", ReasonWindowClosed, ReasonRateLimited, ReasonBusy, ReasonMaintenance:
		return "clock"
	case "startFailed":
		return "phone"
	case "userDeclinedCall":
		return "call"
	case ReasonQRExcluded:
		return "scan"
	case "mrtdVerificationFailed", "nfcNotSupportedByDevice", ReasonUnmet:
		return "passport"
	case "facialRecognitionFailed":
		return "face"
	case ReasonUnavailable:
		return "cloud"
	case ReasonWrongPerson, ReasonTooYoung:
		return "person"
	case ReasonRiskTooHigh:
		return "shield"
	}
	return "alert"
}

// noticeIcon is the picture of a notice.
func noticeIcon(kind string) string {
	switch NoticeKind(kind) {
	case NoticeAlreadyDone, NoticeLoggedOut:
		return "check"
	case NoticeOtherBrowser, NoticeReturnedAstray:
		return "window"
	case NoticeOtherTab:
		return "tabs"
	case NoticeExpired, NoticeRateLimited:
		return "clock"
	case NoticeNotFound:
		return "dots"
	}
	return "alert"
}

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
	if name, ok := stepIcons[s]; ok {
		return name
	}
	return "dots"
}

var stepIcons = map[Step]string{
	StepStarted:     "phone/find",
	StepConfirm:     "code",
	StepCallConfirm: "call/ask",
	StepMRTD:        "passport",
	StepFace:        "face",
	StepStepUp:      "guard/plus",
	StepProcessing:  "renew",
	StepReturn:      "phone/back",
}

// reasonIcon is the picture of a failure.
func reasonIcon(r Reason) string {
	if name, ok := reasonIcons[r]; ok {
		return name
	}
	return "alert"
}

var reasonIcons = map[Reason]string{
	"userCancel":              "phone/cross",
	"cancelled":               "tabs/bang",
	"expiredTransaction":      "phone/clock",
	"certificateErr":          "card/cross",
	"startFailed":             "phone/ask",
	"userDeclinedCall":        "call/cross",
	"notSupportedByUserApp":   "phone/down",
	"transactionRiskBlocked":  "guard/cross",
	"mrtdVerificationFailed":  "passport/cross",
	"facialRecognitionFailed": "face/cross",
	"nfcNotSupportedByDevice": "chip/cross",
	"multipleBankIdsOnDevice": "cards",
	"stepUpFailed":            "list/cross",
	ReasonAlreadyInProgress:   "renew/bang",
	ReasonStopped:             "cross",
	ReasonWindowClosed:        "clock",
	ReasonUnavailable:         "sky/cross",
	ReasonMaintenance:         "wrench",
	ReasonRefused:             "plug",
	ReasonRateLimited:         "hourglass",
	ReasonBusy:                "people",
	ReasonWrongPerson:         "person/ask",
	ReasonRiskTooHigh:         "shield",
	ReasonUnusable:            "sheet/cross",
	ReasonTooYoung:            "calendar",
	ReasonUnmet:               "list/bang",
	ReasonNoIdentifier:        "card/bang",
	ReasonQRExcluded:          "scan/cross",
	ReasonNoWayBack:           "signpost/cross",
	ReasonUnanswered:          "phone/bang",
	ReasonNoMethod:            "card/ask",
}

// noticeIcon is the picture of a notice.
func noticeIcon(kind string) string {
	if name, ok := noticeIcons[NoticeKind(kind)]; ok {
		return name
	}
	return "alert"
}

var noticeIcons = map[NoticeKind]string{
	NoticeAlreadyDone:    "tabs/check",
	NoticeOtherBrowser:   "window/ask",
	NoticeReturnedAstray: "window/back",
	NoticeOtherTab:       "tabs",
	NoticeExpired:        "clock",
	NoticeNotFound:       "signpost",
	NoticeBadRequest:     "sheet/bang",
	NoticeRateLimited:    "hourglass",
	NoticeLoggedOut:      "door/check",
	NoticeBadLogOut:      "door/cross",
}

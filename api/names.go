package api

import (
	"sallyport/config"
	"sallyport/keys"
	"sallyport/sessions"
	"sallyport/transport"
	"sallyport/tunnels"
)

// The types of a Snapshot under the names by which the screen, which sees
// only this package, knows them.
type (
	Link      = transport.LinkStatus
	LinkState = transport.State
	Failure   = transport.Failure
	Question  = transport.Question
	Prompt    = transport.Prompt
	HostKey   = transport.HostKey
	Answer    = transport.Answer

	Tunnel      = tunnels.Status
	TunnelState = tunnels.State
	TunnelSpec  = tunnels.Spec
	Address     = tunnels.Address

	TunnelRecord     = tunnels.Record
	TunnelConnection = tunnels.Connection
	TunnelEntry      = tunnels.Entry

	Session      = sessions.Status
	SessionState = sessions.State
	SessionSpec  = sessions.Spec
	SessionView  = sessions.View
	SessionLog   = sessions.Recorded
	KeptAs       = sessions.KeptAs
	KeptShell    = sessions.KeptShell
	Keepers      = sessions.Keepers
	Size         = sessions.Size
	Exit         = sessions.Exit

	Option  = config.Option
	Origin  = config.Origin
	Problem = config.Problem
	Finding = config.Finding

	KeyFinding    = keys.Finding
	KeySpec       = keys.Spec
	DoctorFinding = transport.Finding

	Keyword      = config.Keyword
	Setting      = config.Setting
	Change       = config.Change
	Edit         = config.Edit
	Assignment   = config.Assignment
	AddHost      = config.AddHost
	RenameHost   = config.RenameHost
	RemoveHost   = config.RemoveHost
	AddOption    = config.AddOption
	ChangeOption = config.ChangeOption
	SetOption    = config.SetOption
	RemoveOption = config.RemoveOption
	SetTags      = config.SetTags
	AddForward   = config.AddForward
)

// The states and kinds that the screen tells apart.
const (
	LinkDown       = transport.Down
	LinkConnecting = transport.Connecting
	LinkAsking     = transport.Asking
	LinkUp         = transport.Up
	LinkWaiting    = transport.Waiting
	LinkFailed     = transport.Failed
	LinkNative     = transport.Native
	LinkLent       = transport.Lent
	LinkShared     = transport.Shared

	TunnelClosed  = tunnels.Closed
	TunnelOpening = tunnels.Opening
	TunnelUp      = tunnels.Up
	TunnelWaiting = tunnels.Waiting
	TunnelAsking  = tunnels.Asking
	TunnelBusy    = tunnels.Busy
	TunnelFailed  = tunnels.Failed

	DoctorHealthy = transport.Healthy
	DoctorNoted   = transport.Noted
	DoctorWrong   = transport.Wrong

	LocalForward   = tunnels.Local
	RemoteForward  = tunnels.Remote
	DynamicForward = tunnels.Dynamic

	SessionOpening = sessions.Opening
	SessionRunning = sessions.Running
	SessionEnded   = sessions.Ended

	AskHostKey     = transport.AskHostKey
	AskPassphrase  = transport.AskPassphrase
	AskPassword    = transport.AskPassword
	AskInteractive = transport.AskInteractive
	AskPIN         = transport.AskPIN
	AskAddKey      = transport.AskAddKey
	AskShare       = transport.AskShare

	AcceptAndRemember = transport.AcceptAndRemember
	AcceptOnce        = transport.AcceptOnce
	Refuse            = transport.Refuse
	AddKey            = transport.AddKey
)

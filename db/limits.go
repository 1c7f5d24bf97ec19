package db

import "strconv"

// Limit is a limit of writing that an admin can set. It is stored as a setting of its name.
type Limit struct {
	Name  string
	Usual int // where nothing is set
	Least int
	Most  int
}

// Names of the limits as settings. That of the links in a text is followed by the trust level.
const (
	SettingNewcomerBurst = "limit_newcomer_burst" // posts and comments of a newcomer in 5 minutes
	SettingNewcomerDay   = "limit_newcomer_day"   // and in a day
	SettingMemberHour    = "limit_member_hour"    // posts and comments of other members in an hour
	SettingKnownDay      = "limit_known_day"      // of who is known here, in a day
	SettingRegularDay    = "limit_regular_day"    // of a regular, in a day
	SettingLinks         = "limit_links_"
)

// mostLinks is the most that a setting allows a text.
const mostLinks = 100

// SettableLimits lists them, in the order of their page. A Least above 0 keeps a slip from silencing everybody: for that
// there is SettingReadOnly.
func SettableLimits() []Limit {
	list := []Limit{
		{Name: SettingNewcomerBurst, Usual: 3, Least: 1, Most: 60},
		{Name: SettingNewcomerDay, Usual: TrustLimits(Newcomer).Texts, Least: 1, Most: 1_000},
		{Name: SettingMemberHour, Usual: 60, Least: 5, Most: 1_000},
		{Name: SettingKnownDay, Usual: TrustLimits(Known).Texts, Least: 5, Most: 5_000},
		{Name: SettingRegularDay, Usual: TrustLimits(Regular).Texts, Least: 5, Most: 10_000},
	}
	for level := Newcomer; level <= Trusted; level++ {
		list = append(list, Limit{Name: SettingLinks + strconv.Itoa(level), Usual: TrustLimits(level).Links, Most: mostLinks})
	}
	return list
}

// Of is the limit as a stored value has it; what is no number within the bounds counts as never set.
func (l Limit) Of(stored string) int {
	if n, err := strconv.Atoi(stored); err == nil && l.Holds(n) {
		return n
	}
	return l.Usual
}

// Holds reports that a number is within the bounds.
func (l Limit) Holds(n int) bool { return n >= l.Least && n <= l.Most }

// LimitOf is the value of a limit among settings; 0 for a name that is none.
func LimitOf(name string, value func(name, fallback string) string) int {
	for _, l := range SettableLimits() {
		if l.Name == name {
			return l.Of(value(name, ""))
		}
	}
	return 0
}

// LimitsNow is TrustLimits with what an admin has set.
func LimitsNow(level int, value func(name, fallback string) string) Limits {
	level = min(max(level, Newcomer), Trusted)
	l := TrustLimits(level)
	l.Links = LimitOf(SettingLinks+strconv.Itoa(level), value)
	switch level {
	case Newcomer:
		l.Texts = LimitOf(SettingNewcomerDay, value)
	case Known:
		l.Texts = LimitOf(SettingKnownDay, value)
	case Regular:
		l.Texts = LimitOf(SettingRegularDay, value)
	}
	return l
}

// linksAllowed is how many links a text of a trust level may hold, with the stored value of its setting, or none.
func linksAllowed(level int, stored string) int {
	level = min(max(level, Newcomer), Trusted)
	return Limit{Usual: TrustLimits(level).Links, Most: mostLinks}.Of(stored)
}

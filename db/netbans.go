package db

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// OutsideBan keeps out what is no member: a network, or a domain of e-mail addresses with those below it.
type OutsideBan struct {
	ID        int64  `db:"id"`
	Kind      string `db:"kind"` // "network" or "mail"
	Value     string `db:"value"`
	Until     Millis `db:"until"`  // Forever: until it is lifted
	Writes    bool   `db:"writes"` // of a network: who is signed in cannot write from there either
	Reason    string `db:"reason"` // for staff alone
	By        string `db:"by"`     // handle
	CreatedAt Millis `db:"created_at"`
}

// ErrMailBanned: addresses of that domain are not taken.
var ErrMailBanned = &Error{text: "e-mail domain is banned", status: http.StatusUnprocessableEntity}

// NetworkBanned says that nobody registers, signs in or perhaps writes from where the request comes from.
type NetworkBanned struct{ Until Millis }

func (b *NetworkBanned) Error() string { return "the network is banned" }

// Status returns 403.
func (b *NetworkBanned) Status() int { return http.StatusForbidden }

// maxOutsideBans bounds the list, and the memory that it is looked up in.
const maxOutsideBans = 5_000

// ErrTooManyBans: there are maxOutsideBans.
var ErrTooManyBans = &Error{text: "too many bans", status: http.StatusConflict}

// The widest networks that can be banned, in bits: an ISP's, and not a continent's.
const (
	widest4 = 8
	widest6 = 19
)

// ParseNetwork reads an address or a network in CIDR notation as it is banned: an IPv6 one is counted by /64, because that
// is what one household has.
func ParseNetwork(text string) (netip.Prefix, bool) {
	text = strings.TrimSpace(text)
	network, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, false
		}
		network = netip.PrefixFrom(addr, addr.BitLen())
	}
	addr, bits := network.Addr().WithZone(""), network.Bits()
	if addr.Is4In6() {
		addr, bits = addr.Unmap(), bits-96
	}
	least, most := widest4, 32
	if addr.Is6() {
		least, most = widest6, 64
	}
	if bits < least {
		return netip.Prefix{}, false
	}
	network, err = addr.Prefix(min(bits, most))
	return network, err == nil
}

var mailDomain = regexp.MustCompile(`^[\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?(\.[\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?)+$`)

// ParseMailDomain reads a domain, with or without what stands before it in an address.
func ParseMailDomain(text string) (string, bool) {
	text = foldEmail(text)
	text = strings.TrimSuffix(text[strings.LastIndexByte(text, '@')+1:], ".")
	return text, len(text) <= 253 && mailDomain.MatchString(text)
}

// BanOutside bans a network or a mail domain until an instant, or Forever; one that is banned is banned anew. For staff.
func (d *DB) BanOutside(ctx context.Context, v Viewer, b OutsideBan) error {
	now := d.millis()
	var ok bool
	switch b.Kind {
	case "network":
		var network netip.Prefix
		if network, ok = ParseNetwork(b.Value); ok {
			b.Value = network.String()
		}
	case "mail":
		b.Value, ok = ParseMailDomain(b.Value)
		b.Writes = false
	}
	if !ok || b.Until <= now {
		return fmt.Errorf("BanOutside %s %q: %w", b.Kind, b.Value, ErrForbidden)
	}
	reason, err := cleanReason(b.Reason)
	if err != nil {
		return err
	}
	defer d.outside.forget()
	return d.govern(ctx, v, "BanOutside", func(ctx context.Context, tx *tx, _ Role) error {
		if _, err := tx.exec(ctx, "ended bans", "DELETE FROM bans WHERE until <= ?", now); err != nil {
			return err
		}
		var n int
		if err := tx.get(ctx, "bans", &n, "SELECT COUNT(*) FROM (SELECT 1 FROM bans LIMIT ?) x", maxOutsideBans); err != nil {
			return err
		}
		if n >= maxOutsideBans {
			return ErrTooManyBans
		}
		var until any
		if b.Until < Forever {
			until = b.Until
		}
		if _, err := tx.exec(ctx, "ban", `INSERT INTO bans (kind, value, until, writes, reason, made_by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (kind, value) DO UPDATE SET until = excluded.until, writes = excluded.writes, reason = excluded.reason, made_by = excluded.made_by, created_at = excluded.created_at`,
			b.Kind, b.Value, until, b.Writes, reason, v.ID, now); err != nil {
			return err
		}
		_, err := tx.logged(ctx, v, Entry{Action: "ban-" + b.Kind, Reason: reason, Old: b.Value, New: untilWords(b.Until)})
		return err
	})
}

// LiftOutside ends a ban of a network or mail domain. For staff.
func (d *DB) LiftOutside(ctx context.Context, v Viewer, id int64) error {
	defer d.outside.forget()
	return d.govern(ctx, v, "LiftOutside", func(ctx context.Context, tx *tx, _ Role) error {
		var b OutsideBan
		if err := tx.get(ctx, "ban", &b, "DELETE FROM bans WHERE id = ? RETURNING kind, value", id); err != nil {
			return err
		}
		_, err := tx.logged(ctx, v, Entry{Action: "lift-" + b.Kind, Old: b.Value})
		return err
	})
}

// OutsideBans lists the bans of networks and mail domains that are not over, the newest first from before an id (0: from
// the newest on). Empty for who is no staff.
func (d *DB) OutsideBans(ctx context.Context, v Viewer, before int64, limit int) ([]OutsideBan, error) {
	if !v.Staff() {
		return nil, nil
	}
	if before == 0 {
		before = int64(Forever)
	}
	var list []OutsideBan
	err := d.list(ctx, "OutsideBans", &list, `SELECT b.id, b.kind, b.value, COALESCE(b.until, ?) AS until, b.writes, b.reason, COALESCE(m.handle, '') AS "by", b.created_at
		FROM bans b LEFT JOIN members m ON m.id = b.made_by WHERE b.id < ? AND (b.until IS NULL OR b.until > ?) ORDER BY b.id DESC LIMIT ?`, Forever, before, d.millis(), limit)
	return list, err
}

// usersLook is how many of the sessions that were begun last UsersOf looks through.
const usersLook = 10_000

// UsersOf counts the members who are signed in from a network, among the usersLook sessions that were begun last. For staff;
// 0 for others.
func (d *DB) UsersOf(ctx context.Context, v Viewer, network netip.Prefix) (n int, err error) {
	if !v.Staff() {
		return 0, nil
	}
	var rows []struct {
		Member  int64  `db:"member_id"`
		Address string `db:"address"`
	}
	if err := d.list(ctx, "UsersOf", &rows, "SELECT member_id, address FROM sessions ORDER BY id DESC LIMIT ?", usersLook); err != nil {
		return 0, err
	}
	seen := map[int64]bool{}
	for _, r := range rows {
		if addr, err := netip.ParseAddr(r.Address); err == nil && network.Contains(addr.Unmap().WithZone("")) {
			seen[r.Member] = true
		}
	}
	return len(seen), nil
}

// outsideAge is how old the list in memory may get: another process may have changed it.
const outsideAge = 10 * time.Second

// outside is the list of banned networks in memory: a look-up is one map access for each prefix length that occurs. Any
// number of goroutines ask; one of them reads the list again when it is old, while the others go on with what there is.
type outside struct {
	mu       sync.Mutex
	version  int // rises with each change
	loaded   int // the version that networks are of; below it: to be read again
	at       time.Time
	networks map[netip.Prefix]bannedNetwork
	lengths  []int // of IPv4, and of IPv6 with 1,000 added
	reading  bool
}

type bannedNetwork struct {
	until  Millis
	writes bool
}

// forget says that the list has changed, whether or not the change succeeded.
func (o *outside) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.version++
}

// BannedFrom answers a *NetworkBanned for an address whose network is banned now, and nil for all others; with writes only
// for one from which nothing is written. An address that is not known is in no network.
func (d *DB) BannedFrom(ctx context.Context, addr netip.Addr, writes bool) error {
	if !addr.IsValid() {
		return nil
	}
	networks, lengths, err := d.bannedNetworks(ctx)
	if err != nil {
		return err
	}
	addr, now := addr.Unmap().WithZone(""), d.millis()
	for _, length := range lengths {
		if addr.Is6() != (length >= 1000) {
			continue
		}
		network, err := addr.Prefix(length % 1000)
		if err != nil {
			continue
		}
		if b, ok := networks[network]; ok && b.until > now && (b.writes || !writes) {
			return &NetworkBanned{b.until}
		}
	}
	return nil
}

// bannedNetworks answers the list, which is never changed but replaced.
func (d *DB) bannedNetworks(ctx context.Context) (map[netip.Prefix]bannedNetwork, []int, error) {
	o := &d.outside
	o.mu.Lock()
	fresh := o.networks != nil && o.loaded == o.version
	if fresh && (o.reading || d.now().Sub(o.at) < outsideAge) {
		defer o.mu.Unlock()
		return o.networks, o.lengths, nil
	}
	version := o.version
	o.reading = true
	o.mu.Unlock()

	var rows []struct {
		Value  string `db:"value"`
		Until  Millis `db:"until"`
		Writes bool   `db:"writes"`
	}
	err := d.list(ctx, "BannedNetworks", &rows, "SELECT value, COALESCE(until, ?) AS until, writes FROM bans WHERE kind = 'network' AND (until IS NULL OR until > ?) LIMIT ?",
		Forever, d.millis(), maxOutsideBans)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reading = false
	switch {
	case err != nil && o.networks != nil && !errors.Is(err, context.Canceled):
		o.at = d.now() // what was known a moment ago serves for another moment: reading goes on without the list
		return o.networks, o.lengths, nil
	case err != nil:
		return nil, nil, err
	}
	networks, lengths := make(map[netip.Prefix]bannedNetwork, len(rows)), []int(nil)
	for _, r := range rows {
		network, ok := ParseNetwork(r.Value)
		if !ok {
			continue
		}
		networks[network] = bannedNetwork{r.Until, r.Writes}
		length := network.Bits()
		if network.Addr().Is6() {
			length += 1000
		}
		if !slices.Contains(lengths, length) {
			lengths = append(lengths, length)
		}
	}
	if version >= o.loaded { // else a later reader was faster
		o.networks, o.lengths, o.loaded, o.at = networks, lengths, version, d.now()
	}
	return networks, lengths, nil
}

// mailLevels is how many levels of a domain are looked up, from the right.
const mailLevels = 6

// mailAllowed fails with ErrMailBanned for an address whose domain, or one above it, is banned.
func (t *tx) mailAllowed(ctx context.Context, email string) error {
	domain, ok := ParseMailDomain(email)
	if !ok {
		return nil
	}
	labels := strings.Split(domain, ".")
	args := []any{t.d.millis()}
	for i := 1; i <= mailLevels; i++ {
		at := max(0, len(labels)-i)
		args = append(args, strings.Join(labels[at:], "."))
	}
	var banned bool
	if err := t.get(ctx, "mail ban", &banned, "SELECT EXISTS (SELECT 1 FROM bans WHERE kind = 'mail' AND (until IS NULL OR until > ?) AND value IN (?"+strings.Repeat(", ?", mailLevels-1)+"))", args...); err != nil {
		return err
	}
	if banned {
		return ErrMailBanned
	}
	return nil
}

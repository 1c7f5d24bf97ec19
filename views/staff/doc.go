// Package staff shows the pages on which moderators and admins decide about a member, a network or a mail domain.
package staff

// Package factors is the pages on which a member sets up, sees and takes off their second factor.
package factors

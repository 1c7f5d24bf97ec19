package web

// Route is a line of the table of routes, for the tests of the whole surface.
type Route struct {
	Pattern     string
	MembersOnly bool
	Open        bool // for guests too
}

// Routes is the table of routes.
func Routes() (list []Route) {
	for _, rt := range new(Server).routes() {
		list = append(list, Route{rt.pattern, rt.policy == membersOnly, rt.policy == anyone})
	}
	return list
}

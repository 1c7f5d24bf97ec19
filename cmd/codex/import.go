package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"codex/app/importer"
)

type importCmd struct {
	Stackexchange importStackExchange `cmd:"" name:"stackexchange" help:"Import a dump of a Stack Exchange site."`
}

type importStackExchange struct {
	dataFlag `embed:""`
	Dir      string `arg:"" type:"existingdir" help:"The folder with Posts.xml, Users.xml and the others."`
	Channel  string `required:"" placeholder:"SLUG" help:"The channel that takes the posts; it is made when it is missing."`
	Name     string `help:"The name of a channel that is made."`
	Site     string `placeholder:"URL" help:"The site's address; guessed from the folder's name when it is left out."`
}

func (i *importStackExchange) Run(ctx context.Context, c *console) error {
	dump, err := importer.OpenDump(i.Dir)
	if err != nil {
		return err
	}
	site, err := i.open(ctx)
	if err != nil {
		return err
	}
	if err := site.Importing(); err != nil {
		return closing(ctx, site, err)
	}
	progress := importer.NewProgress(os.Stderr)
	report, err := importer.Import(ctx, site.DB, dump, importer.Options{Channel: i.Channel, ChannelName: i.Name, Site: i.Site, Progress: progress})
	progress.Finish()
	if report != nil {
		if _, werr := report.WriteTo(c.out); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	if errors.Is(err, context.Canceled) {
		err = fmt.Errorf("stopped before the end; the same command goes on from here")
	}
	return closing(ctx, site, err)
}

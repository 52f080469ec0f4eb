// The one program: hanbae VERB. Every verb is a file in Commands/, listed in Commands/Catalog.cs.
using System.CommandLine.Invocation;
using Hanbae.Host.Commands;

var parsed = Catalog.Root().Parse(args);
// What was wrong is one line; the help would push it off the screen. No guesses: `tset` is near to `reset`, which asks nobody.
if (parsed.Action is ParseErrorAction wrong) (wrong.ShowHelp, wrong.ShowTypoCorrections) = (args.Length == 0, false);
return await parsed.InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });

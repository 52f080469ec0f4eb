// The one program: hanbae VERB. Every verb is a file in Commands/, listed in Commands/Catalog.cs.
using Hanbae.Host.Commands;

return await Catalog.Root().Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });

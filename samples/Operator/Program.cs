using Hanbae.Client;
using Samples;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) => { e.Cancel = true; stop.Cancel(); };
using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, c => { c.Cancel = true; stop.Cancel(); });

using var cluster = Cluster.Connect();
await Website.Definition.InstallAsync(cluster.Client, WebsiteOperator.Name, stop.Token);
var access = cluster.Access(WebsiteOperator.Name);
Console.WriteLine("watching websites");
await cluster.RunAsync(access, [new WebsiteOperator(access).Build()], stop.Token);

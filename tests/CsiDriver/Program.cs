using System.Runtime.InteropServices;
using Hanbae.CsiDriver;
using Hanbae.Grpc.Server;

// The driver as a program in a Pod: <name> <node> <state folder> <socket> <registration socket> [attach] [no-stage]
var options = new DriverOptions { Name = args[0], NodeId = args[1], State = args[2], Attaches = args.Contains("attach"), Stages = !args.Contains("no-stage"), MaxVolumes = 50 };
string socket = args[3], registration = args[4];
Directory.CreateDirectory(Path.GetDirectoryName(socket)!);
foreach (string old in (string[])[socket, registration]) File.Delete(old);

using var stop = new CancellationTokenSource();
using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, c =>
{
    c.Cancel = true;
    stop.Cancel();
});
var driver = new HostPathDriver(options)
{
    Before = (call, request, _) =>
    {
        Console.WriteLine($"{call} {request}");
        return Task.CompletedTask;
    },
};
await using var serving = await GrpcServer.StartAsync("unix://" + socket, driver.Service());
await using var registrar = await Registrar.StartAsync(registration, options.Name, socket, s => Console.WriteLine("registered: " + s), stop.Token);
await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
foreach (string own in (string[])[registration, socket]) File.Delete(own);

// A load generator for any Kubernetes API server: throughput, latency, and of the server processor time and garbage for each operation.
//   load --kubeconfig F --pids PID[,PID] --ops ns,create,get,… [--pods 10000] [--conc 16] [--gets 20000] [--lists 20] [--watchers 200] [--updates 500]
//        [--nodes 5000] [--namespace load]
// Processor time is taken from /proc, so that a noisy machine still gives comparable figures; garbage from the server's /metrics, where it says.
using Hanbae.Bench.Load;

var options = Options.Of(args);
using var api = new Api(options.Kubeconfig);
var server = new ServerFigures(options.Pids, api);
var run = new Run(server);
Console.WriteLine(Run.Header);
foreach (string op in options.Ops)
{
    if (Catalog.Find(op) is not { } operation)
    {
        Console.Error.WriteLine($"no such operation: {op}; there are {string.Join(", ", Catalog.Names)}");
        return 2;
    }
    await operation(new(api, options, run, server));
}
return 0;

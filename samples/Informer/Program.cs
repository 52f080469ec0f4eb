using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

// An informer keeps the state: it answers from its cache, by its index, and comes back by itself when the line breaks.
using var stop = new CancellationTokenSource();
using var cluster = Cluster.Connect();

var pods = cluster.Informers.Cache<Pod>();
pods.AddIndex("node", pod => [pod.Spec.NodeName]);
using var handlers = pods.AddEventHandler(
    added: pod => Console.WriteLine($"added {Key.Of(pod)}"),
    updated: (old, pod) => Console.WriteLine($"updated {Key.Of(pod)}: {old.Status.Phase} > {pod.Status.Phase}"),
    deleted: pod => Console.WriteLine($"deleted {Key.Of(pod)}"));

var running = cluster.RunAsync(stop.Token);
await pods.WhenSyncedAsync(stop.Token);

// Whose Pods? Names of nodes come in by lines; the server is asked nothing.
while (Console.ReadLine() is { } node)
    Console.WriteLine($"on {node}: {string.Join(' ', pods.ByIndex("node", node).Select(p => p.Metadata.Name).Order())}");

await stop.CancelAsync();
await running;

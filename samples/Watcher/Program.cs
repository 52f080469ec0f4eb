using Hanbae.Api.Core.V1;
using Hanbae.Client;

// A watcher tells what changes: first what there is, then everything that happens, until the server ends the stream.
using var cluster = Cluster.Connect();
var where = new ListQuery { Namespace = args.FirstOrDefault("") };
await foreach (var (type, pod) in cluster.Client.WatchAsync<Pod>(where))
{
    Console.WriteLine($"{type} {pod.Metadata.Namespace}/{pod.Metadata.Name} {pod.Status.Phase}");
}

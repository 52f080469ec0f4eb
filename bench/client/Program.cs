// What an informer over many Pods costs, over the wire (wire [pods [runs]]) or its cache alone: memory of the cache and of its objects, time of list, relist, events and look-ups.
using System.Diagnostics;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Bench.Client;
using Hanbae.Client;

if (args is ["wire", ..]) return await OverTheWire.RunAsync(args[1..]);
int count = args.Length > 0 ? int.Parse(args[0]) : 15_000;
var info = Pod.Info;
byte[][] wire = [.. Enumerable.Range(0, count).Select(i => info.ToProto(Samples.Pod(i, "1")))];
Console.WriteLine($"{count} Pods, {wire.Average(w => w.Length):F0} bytes each in protobuf, {info.ToJson(Samples.Pod(0, "1")).Length} in JSON");

long before = Live();
var watch = Stopwatch.StartNew();
Pod[]? pods = [.. wire.Select(w => (Pod)info.ReadProto(Envelope.Message(w, out _)))];
Console.WriteLine($"decode            {watch.Elapsed.TotalMilliseconds,8:F1} ms");
long decoded = Live();
Console.WriteLine($"objects           {(decoded - before) / 1048576.0,8:F1} MB");

var cache = new SharedCache<Pod>();
cache.AddIndex("node", p => [p.Spec.NodeName]);
Fill("first list");
Console.WriteLine($"cache, 1 index    {(Live() - decoded) / 1048576.0,8:F1} MB");
int handled = 0;
for (int i = 0; i < 10; i++) cache.Subscribe(_ => handled++);
Fill("same list again");

var random = new Random(1);
Time("20,000 events, 10 subscribers", 20_000, i =>
{
    var old = pods[random.Next(count)];
    cache.Apply(new(SyncKind.Applied, old with { Metadata = old.Metadata with { ResourceVersion = $"{i + 2}" } }));
});
Time("20,000 events, All read after each 100", 20_000, i =>
{
    var old = pods[random.Next(count)];
    cache.Apply(new(SyncKind.Applied, old with { Metadata = old.Metadata with { ResourceVersion = $"{i + 30_000}" } }));
    if (i % 100 == 0) handled += cache.All.Count;
});
var keys = pods.Select(p => Key.Of(p)).ToArray();
Time("1,000,000 finds", 1_000_000, i => handled += cache.Find(keys[i % count]) is null ? 0 : 1);
Time("100,000 reads of an index", 100_000, i => handled += cache.ByIndex("node", "node-" + i % 150).Count);
GC.KeepAlive(cache);
GC.KeepAlive(handled);
return 0;

void Fill(string what)
{
    var clock = Stopwatch.StartNew();
    cache.Apply(new(SyncKind.Init));
    foreach (var pod in pods) cache.Apply(new(SyncKind.InitItem, pod));
    cache.Apply(new(SyncKind.InitDone));
    Console.WriteLine($"{what,-18}{clock.Elapsed.TotalMilliseconds,8:F1} ms");
}

static void Time(string what, int times, Action<int> act)
{
    var clock = Stopwatch.StartNew();
    for (int i = 0; i < times; i++) act(i);
    Console.WriteLine($"{what}: {clock.Elapsed.TotalMilliseconds:F1} ms, {clock.Elapsed.TotalMicroseconds / times:F2} µs each");
}

static long Live() => GC.GetTotalMemory(forceFullCollection: true);

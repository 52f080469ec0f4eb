using System.Runtime.InteropServices;
using Hanbae.Cri.Devices;
using Hanbae.Cri.Devices.Health;
using Hanbae.Cri.Plugins;
using Hanbae.DeviceDriver;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;

// As programs in Pods:
//   plugin <resource> <kubelet's device-plugins folder> <state folder> <gpus>
//   claims <driver> <socket> <registration socket> <state folder> <CDI folder>
//   who <socket of pod resources>
// Who lies in <state folder>/ill, by file name, is ill.
using var stop = new CancellationTokenSource();
using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, c =>
{
    c.Cancel = true;
    stop.Cancel();
});
await (args[0] switch
{
    "plugin" => PluginAsync(args[1], args[2], args[3], int.Parse(args[4])),
    "claims" => ClaimsAsync(args[1], args[2], args[3], args[4], args[5]),
    _ => WhoAsync(args[1]),
});

// Nobody tells what lies in a folder: it is looked at again and again.
async Task NextAsync()
{
    using var glance = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
    try { await glance.WaitForNextTickAsync(stop.Token); }
    catch (OperationCanceledException) { }
}

// As a monitor of devices asks: a line for each container that has some.
async Task WhoAsync(string socket)
{
    using var channel = new GrpcChannel("unix://" + socket);
    var all = await channel.UnaryAsync(PodResourcesMethods.List, new(), new(TimeSpan.FromSeconds(60)));
    foreach (var pod in all.PodResources)
        foreach (var container in pod.Containers.Where(c => c.Devices.Count > 0))
            Console.WriteLine($"{pod.Namespace}/{pod.Name}/{container.Name} {string.Join(' ', container.Devices.Select(d => $"{d.ResourceName}={string.Join(',', d.DeviceIds)}"))}");
}

async Task PluginAsync(string resource, string folder, string state, int count)
{
    var gpus = Enumerable.Range(0, count).Select(i => ($"gpu-{i}", new long[] { i % 2 })).ToArray();
    var plugin = new GpuPlugin(gpus) { Options = new() { PreStartRequired = true, GetPreferredAllocationAvailable = true }, Before = Note };
    string socket = resource.Replace('/', '_') + ".sock", kubelet = Path.Combine(folder, "kubelet.sock");
    GrpcServer? serving = null;
    (long Made, bool There) known = default;
    HashSet<string> ill = [];
    while (!stop.IsCancellationRequested)
    {
        // As real plugins: the kubelet's socket made anew is a kubelet started anew, which has removed ours.
        var now = File.Exists(kubelet) ? (File.GetLastWriteTimeUtc(kubelet).Ticks, true) : (0, false);
        if (now.Item2 && (now != known || !File.Exists(Path.Combine(folder, socket))))
        {
            if (serving is not null) await serving.DisposeAsync();
            File.Delete(Path.Combine(folder, socket));
            serving = await GrpcServer.StartAsync("unix://" + Path.Combine(folder, socket), plugin.Service());
            try
            {
                await GpuPlugin.RegisterAsync(kubelet, resource, socket, ct: stop.Token);
                known = now;
                Console.WriteLine("registered");
            }
            catch (GrpcException e) { Console.WriteLine(e.Message); }
        }
        HashSet<string> next = Directory.Exists(state + "/ill") ? [.. Directory.EnumerateFiles(state + "/ill").Select(f => Path.GetFileName(f))] : [];
        foreach (string id in next.Except(ill)) plugin.Put(id, healthy: false);
        foreach (string id in ill.Except(next)) plugin.Put(id, healthy: true);
        ill = next;
        await NextAsync();
    }
    if (serving is not null) await serving.DisposeAsync();
}

async Task ClaimsAsync(string name, string socket, string registration, string state, string cdi)
{
    Directory.CreateDirectory(Path.GetDirectoryName(socket)!);
    foreach (string old in (string[])[socket, registration]) File.Delete(old);
    var driver = new ClaimDriver(name, cdi);
    driver.Fails = async (call, claim) =>
    {
        Console.WriteLine($"{call} {claim.Name}");
        // Held for as long as somebody has the gate shut.
        using var glance = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (File.Exists($"{state}/hold-{call}")) await glance.WaitForNextTickAsync(stop.Token);
        return File.Exists($"{state}/fail-{call}") ? "as it was told" : "";
    };
    await using var serving = await GrpcServer.StartAsync("unix://" + socket, driver.Service());
    await using var registrar = await GrpcServer.StartAsync("unix://" + registration, new GrpcService()
        .Unary(RegistrationMethods.GetInfo, (_, _) => Task.FromResult(new PluginInfo { Type = "DRAPlugin", Name = name, Endpoint = socket, SupportedVersions = { DraMethods.V1, DraMethods.V1Beta1 } }))
        .Unary(RegistrationMethods.NotifyRegistrationStatus, (told, _) =>
        {
            Console.WriteLine("registered: " + told);
            return Task.FromResult(new RegistrationStatusResponse());
        }));
    bool? ill = null;
    while (!stop.IsCancellationRequested)
    {
        bool now = Directory.Exists(state + "/ill") && Directory.EnumerateFiles(state + "/ill").Any();
        if (now != ill) driver.Tell("of-gpu", now ? HealthStatus.Unhealthy : HealthStatus.Healthy, now ? "too hot" : "");
        ill = now;
        await NextAsync();
    }
    foreach (string own in (string[])[registration, socket]) File.Delete(own);
}

static Task Note(string call, Google.Protobuf.IMessage request)
{
    Console.WriteLine(call);
    return Task.CompletedTask;
}

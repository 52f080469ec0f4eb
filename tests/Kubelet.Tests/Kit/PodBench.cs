using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Images;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Probes;
using Hanbae.Kit;

namespace Hanbae.Kubelet.Tests;

/// <summary>One Pod's worker on a fake runtime and a clock that stands still: each step is taken by hand.</summary>
sealed class PodBench : IDisposable
{
    readonly string _folder = Path.Combine(Path.GetTempPath(), "hanbae-kubelet-" + Guid.NewGuid().ToString("N")[..8]);

    public PodBench(params (string Name, FakeProgram Program)[] images)
    {
        Cri = new(new() { Time = Time, PodCidrs = ["10.88.0.0/24"], Images = images.ToDictionary(i => i.Name, i => new FakeImage(i.Program)) });
        Options = new() { NodeName = "node", Folders = new(Path.Combine(_folder, "kubelet"), Path.Combine(_folder, "logs")), CgroupMount = "", ResolvConf = "" };
        Context = ContextOn(Cri);
    }

    public FakeTime Time { get; } = new();
    public FakeCri Cri { get; }
    public Events Events { get; } = new();
    public Reports Reports { get; } = new();
    public GivenObjects Objects { get; } = new();
    public NoVolumes Volumes { get; } = new();
    public KubeletOptions Options { get; }
    public PodContext Context { get; }
    public PodWorker Worker { get; private set; } = null!;
    public PodStatus Status => Reports.Last[Worker.Uid];

    PodContext ContextOn(ICri cri) => new()
    {
        Options = Options, Cri = cri, Volumes = Volumes, Environments = new PlainEnvironments(), Objects = Objects,
        Images = new(cri, Objects, Events, Time, 4), Cgroups = new PodCgroups(Options), Allocations = new(Options.Folders), Prober = new(cri, Events, Time, _ => "127.0.0.1"), Reports = Reports, Events = Events,
        Time = Time, HostIPs = ["10.0.0.1"], NodeMemory = 8L << 30,
    };

    public async Task<DateTimeOffset> RunAsync(Pod pod)
    {
        Worker = new(Context, pod);
        return await Worker.SyncAsync(default);
    }

    /// <summary>A kubelet that was killed and started again over the same runtime.</summary>
    public Task<DateTimeOffset> RestartAsync(Pod pod)
    {
        Worker = new(ContextOn(Cri), pod);
        return Worker.SyncAsync(default);
    }

    public Task<DateTimeOffset> StepAsync() => Worker.SyncAsync(default);

    /// <summary>Steps until a step asks for no other at once.</summary>
    public async Task SettleAsync()
    {
        for (int i = 0; i < 20 && await StepAsync() <= Time.GetUtcNow(); i++) { }
    }

    public async Task SettleAsync(Pod pod)
    {
        if (await RunAsync(pod) <= Time.GetUtcNow()) await SettleAsync();
    }

    public string IdOf(string container) => Worker.Runtime!.Newest(container)!.Id;

    public void Dispose()
    {
        Cri.Dispose();
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }
}

using Hanbae.Kubelet.Cgroups;

namespace Hanbae.Kubelet.Tests.Cgroups;

/// <summary>What every driver of cgroups does, on every kind of tree.</summary>
public sealed class DriverTests
{
    static readonly CgroupLimits s_some = new() { Shares = 1024, Quota = 50_000, Period = 100_000, Memory = 64 << 20, Pids = 100 };

    static readonly Dictionary<string, Func<DriverRig>> s_made = new()
    {
        ["files, v1"] = DriverRig.V1Files, ["files, v2"] = DriverRig.V2Files, ["systemd, v1"] = DriverRig.SystemdOnV1, ["systemd, v2"] = DriverRig.SystemdOnV2,
    };

    public static TheoryData<string> Made => [.. s_made.Keys];

    [Theory, MemberData(nameof(Made))]
    public async Task Limits_come_into_force_and_are_taken_away(string kind)
    {
        await using var rig = s_made[kind]();
        await LimitsAsync(rig);
    }

    [Theory, MemberData(nameof(Made))]
    public async Task What_was_made_is_known_and_is_removed_with_all_beneath(string kind)
    {
        await using var rig = s_made[kind]();
        await KnownAsync(rig);
    }

    [MachineFact]
    public async Task The_kernel_takes_the_limits()
    {
        await using var rig = DriverRig.Machine();
        await LimitsAsync(rig);
    }

    [MachineFact]
    public async Task The_kernel_has_what_was_made_and_no_more_what_was_removed()
    {
        await using var rig = DriverRig.Machine();
        await KnownAsync(rig);
    }

    static async Task LimitsAsync(DriverRig rig)
    {
        string path = rig.Root + "/burstable/pod1";
        await rig.Driver.EnsureAsync(path, s_some, default);
        Assert.Equal(rig.V2 ? "39" : "1024", rig.Read(path, "cpu.shares", "cpu.weight"));
        if (rig.V2) Assert.Equal("50000 100000", rig.Read(path, "", "cpu.max"));
        else Assert.Equal(("50000", "100000"), (rig.Read(path, "cpu.cfs_quota_us", ""), rig.Read(path, "cpu.cfs_period_us", "")));
        Assert.Equal($"{64 << 20}", rig.Read(path, "memory.limit_in_bytes", "memory.max"));
        Assert.Equal("100", rig.Read(path, "pids.max", "pids.max"));

        await rig.Driver.EnsureAsync(path, new() { Quota = CgroupLimits.None, Period = 100_000, Pids = CgroupLimits.None }, default);
        Assert.Equal(rig.V2 ? "max 100000" : "-1", rig.Read(path, "cpu.cfs_quota_us", "cpu.max"));
        Assert.Equal("max", rig.Read(path, "pids.max", "pids.max"));
        // What is not spoken of stays.
        Assert.Equal($"{64 << 20}", rig.Read(path, "memory.limit_in_bytes", "memory.max"));
        await rig.Driver.EnsureAsync(path, s_some with { Memory = 32 << 20 }, default);
        Assert.Equal($"{32 << 20}", rig.Read(path, "memory.limit_in_bytes", "memory.max"));
    }

    static async Task KnownAsync(DriverRig rig)
    {
        string one = rig.Root + "/podaa-1", two = rig.Root + "/burstable/podbb-2";
        foreach (string path in (string[])[one, two]) await rig.Driver.EnsureAsync(path, s_some, default);
        string dash = rig.Bus is null ? "-" : "_"; // systemd's names have no dash of their own
        Assert.Equal(["burstable", $"podaa{dash}1"], rig.Driver.Children(rig.Root).Order());
        Assert.Equal([$"podbb{dash}2"], rig.Driver.Children(rig.Root + "/burstable"));
        Assert.True(rig.Driver.Exists(two));

        rig.Empty();
        Assert.True(await rig.Driver.RemoveAsync(rig.Root + "/burstable", default));
        Assert.False(rig.Driver.Exists(two));
        Assert.True(rig.Driver.Exists(one));
        // Once more is no fault.
        Assert.True(await rig.Driver.RemoveAsync(two, default));
    }

    [Fact]
    public async Task Systemd_is_told_what_it_has_words_for()
    {
        await using var rig = DriverRig.SystemdOnV2();
        await rig.Driver.EnsureAsync(rig.Root + "/burstable/podx-y", s_some with { Quota = 12_345, MemoryLow = 4096 }, default);
        var slice = rig.Bus!.Units[CgroupNames.Slice(rig.Root + "/burstable/podx-y")];
        Assert.Equal(((object)39ul, (object)130_000ul, (object)100_000ul, (object)(ulong)(64 << 20), (object)4096ul, (object)100ul),
            (slice["CPUWeight"], slice["CPUQuotaPerSecUSec"], slice["CPUQuotaPeriodUSec"], slice["MemoryMax"], slice["MemoryLow"], slice["TasksMax"]));
        Assert.Equal((object)false, slice["DefaultDependencies"]);
        await rig.Driver.EnsureAsync(rig.Root + "/burstable/podx-y", new() { Quota = CgroupLimits.None, Period = 100_000 }, default);
        Assert.Equal(ulong.MaxValue, slice["CPUQuotaPerSecUSec"]);
    }

    [Fact]
    public async Task A_job_that_fails_is_told_of()
    {
        await using var rig = DriverRig.SystemdOnV2();
        rig.Bus!.JobResult = "failed";
        var why = await Assert.ThrowsAnyAsync<IOException>(() => rig.Driver.EnsureAsync("/a", s_some, default));
        Assert.Equal("StartTransientUnit: systemd's job for a.slice ended as failed", why.Message);
    }

    [Fact]
    public async Task A_bus_that_was_started_anew_is_asked_again()
    {
        await using var rig = DriverRig.SystemdOnV2();
        await rig.Driver.EnsureAsync("/a", s_some, default);
        rig.Bus!.Drop();
        // The first to notice may fail; the kubelet tries each thing again.
        try { await rig.Driver.EnsureAsync("/b", s_some, default); }
        catch (IOException) { await rig.Driver.EnsureAsync("/b", s_some, default); }
        Assert.Contains("b.slice", rig.Bus.Units.Keys);
    }

    [Theory]
    [InlineData("/kubepods/burstable/poda-b", "kubepods-burstable-poda_b.slice", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda_b.slice")]
    [InlineData("/hanbae-1/kubepods", "hanbae_1-kubepods.slice", "/hanbae_1.slice/hanbae_1-kubepods.slice")]
    public void A_slice_spells_its_path(string path, string slice, string folder) => Assert.Equal((slice, folder), (CgroupNames.Slice(path), CgroupNames.Slices(path)));
}

/// <summary>A test on cgroups of this machine.</summary>
public sealed class MachineFactAttribute : FactAttribute
{
    public MachineFactAttribute() => Skip = !Environment.IsPrivilegedProcess ? "needs root, to make cgroups"
        : !Directory.Exists("/sys/fs/cgroup/memory") && !File.Exists("/sys/fs/cgroup/cgroup.subtree_control") ? "needs cgroups at /sys/fs/cgroup" : null;
}

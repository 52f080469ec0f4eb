using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Registry;
using Hanbae.Server.Registry.Strategies;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;
using Devices = Hanbae.Api.Resource.V1;
using Rules = Hanbae.Api.Resource.V1beta2;

namespace Hanbae.Server.Tests.Admission;

/// <summary>What is asked of nodes and devices before it is stored.</summary>
public sealed class NodeAndDeviceTests
{
    static Pod Asking(string cpu, string memory) => Pod("web") with
    {
        Spec = Pod("web").Spec with
        {
            NodeName = "n", ServiceAccountName = "",
            Containers = [new() { Name = "c", Image = "i", Resources = new() { Requests = Map.Of(("cpu", Quantity.Parse(cpu)), ("memory", Quantity.Parse(memory))) } }],
        },
    };

    [Theory]
    [InlineData("linux", "2", "1Gi", "", "")]
    [InlineData("linux", "5", "9Gi", "node didn't have enough allocatable resources: cpu, requested: 5000, allocatable: 4000; memory, requested: 9663676416, allocatable: 8589934592", "NodeCapacity")]
    [InlineData("", "2", "1Gi", "", "")]
    [InlineData("windows", "5", "1Gi", "pod resize is only supported on linux nodes, node \"n\" is \"windows\"", "UnsupportedPlatform")]
    public async Task A_resize_that_the_node_could_never_grant_is_refused(string system, string cpu, string memory, string why, string cause)
    {
        await using var server = await StartAsync();
        await server.MakeAsync(new Node
        {
            Metadata = new() { Name = "n", Labels = system.Length == 0 ? default : Map.Of(("kubernetes.io/os", system)) },
            Status = new() { Allocatable = Map.Of(("cpu", Quantity.Parse("4")), ("memory", Quantity.Parse("8Gi"))) },
        });
        await server.MakeAsync(Asking("1", "1Gi"));

        var answer = await server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/pods/web/resize", Asking(cpu, memory));

        Assert.Equal(why.Length == 0 ? (200, "") : (403, "pods \"web\" is forbidden: " + why), (answer.Code, why.Length == 0 ? "" : Message(answer)));
        if (cause.Length > 0) Assert.Equal(cause, ((Api.Meta.V1.Status)answer.Object!).Details!.Causes[0].Reason);
    }

    /// <summary>KEP-5328.</summary>
    [Theory]
    [InlineData("InPlacePodLevelResourcesVerticalScaling", true, 200)]
    [InlineData("Other", false, 200)]
    [InlineData("Other", true, 403)]
    public async Task A_node_has_to_know_how_to_make_a_change_of_its_Pods(string declared, bool whole, int code)
    {
        await using var server = await StartAsync();
        await server.MakeAsync(new Node
        {
            Metadata = new() { Name = "n" },
            Status = new() { Allocatable = Map.Of(("cpu", Quantity.Parse("4")), ("memory", Quantity.Parse("8Gi"))), DeclaredFeatures = [declared] },
        });
        static Pod Whole(string cpu) => Asking("1", "1Gi") with { Spec = Asking("1", "1Gi").Spec with { Resources = new() { Requests = Map.Of(("cpu", Quantity.Parse(cpu)), ("memory", Quantity.Parse("1Gi"))) } } };
        await server.MakeAsync(whole ? Whole("1") : Asking("1", "1Gi"));

        var answer = await server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/pods/web/resize", whole ? Whole("2") : Asking("2", "1Gi"));

        Assert.Equal((code, code == 200 ? "" : "pods \"web\" is forbidden: pod update requires features InPlacePodLevelResourcesVerticalScaling which are not available on node \"n\""),
            (answer.Code, answer.Code == 200 ? "" : Message(answer)));
    }

    [Fact]
    public async Task Devices_of_others_are_looked_into_only_from_namespaces_for_this()
    {
        await using var server = await StartAsync();
        var claim = new Devices.ResourceClaim
        {
            Metadata = new() { Name = "c", Namespace = "default" },
            Spec = new() { Devices = new() { Requests = [new() { Name = "r", Exactly = new() { DeviceClassName = "d", AdminAccess = true } }] } },
        };

        var refused = await server.CreateAsync(Admin, claim);
        Assert.Equal((422, "ResourceClaim.resource.k8s.io \"c\" is invalid: spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace"),
            (refused.Code, Message(refused)));
        await server.MakeAsync(new Namespace { Metadata = new() { Name = "admins", Labels = Map.Of(("resource.kubernetes.io/admin-access", "true")) } });
        await server.MakeAsync(claim with { Metadata = claim.Metadata with { Namespace = "admins" } });
    }

    static readonly DateTimeOffset s_now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), s_longAgo = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly WriteContext s_context = new() { User = Admin, Now = s_now };

    static DateTimeOffset? TimeOf(string effect, DateTimeOffset? time, bool update = true)
    {
        Rules.DeviceTaintRule Rule(string e, DateTimeOffset? t) => new() { Metadata = new() { Name = "r" }, Spec = new() { Taint = new() { Key = "k", Effect = e, TimeAdded = t } } };
        var strategy = new TaintRuleStrategy();
        var obj = update ? strategy.PrepareForUpdate(Rule(effect, time), Rule("NoSchedule", s_longAgo), s_context) : strategy.PrepareForCreate(Rule(effect, time), s_context);
        return ((Rules.DeviceTaintRule)obj).Spec.Taint.TimeAdded;
    }

    [Fact]
    public void A_devices_taint_has_its_time_and_a_new_effect_begins_anew()
    {
        Assert.Equal(s_now, TimeOf("NoSchedule", null, update: false));
        Assert.Equal(s_longAgo, TimeOf("NoSchedule", s_longAgo, update: false));
        Assert.Equal(s_longAgo, TimeOf("NoSchedule", s_longAgo));
        Assert.Equal(s_now, TimeOf("NoExecute", s_longAgo));
        Assert.Equal(s_now, TimeOf("NoSchedule", null));
        var said = s_longAgo.AddDays(1);
        Assert.Equal(said, TimeOf("NoExecute", said));
    }

    [Fact]
    public void A_slices_taints_have_their_times()
    {
        var slice = new Devices.ResourceSlice { Metadata = new() { Name = "s" }, Spec = new() { Devices = [new() { Name = "d", Taints = [new() { Key = "k", Effect = "None" }, new() { Key = "l", Effect = "None", TimeAdded = s_longAgo }] }] } };
        var made = (Devices.ResourceSlice)new SliceStrategy().PrepareForCreate(slice, s_context);
        Assert.Equal([s_now, s_longAgo], made.Spec.Devices[0].Taints.Select(t => t.TimeAdded));
    }
}

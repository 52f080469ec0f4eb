using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Kit;
using Rule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Tests.Devices;

public sealed class DynamicResourcesTests : IAsyncLifetime
{
    readonly Rig _rig = new();
    FakeApi Api => _rig.Api;

    public Task InitializeAsync()
    {
        Api.Put(Make.Node("n1"));
        Api.Put(Make.Node("n2"));
        Api.Put(Some.Class());
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => _rig.DisposeAsync().AsTask();

    ResourceClaim Claim(string name) => Api.Find<ResourceClaim>(name)!;
    Task SaysAsync(string pod, string part) => Api.UntilAsync(a => a.Find<Pod>(pod)!.Status.Conditions.Exists(c => c.Type == "PodScheduled" && c.Message.Contains(part, StringComparison.Ordinal)), part, TimeSpan.FromSeconds(60));

    [Fact]
    public async Task A_claim_gets_devices_of_the_node_and_is_reserved_for_the_Pod_before_that_is_bound()
    {
        Api.Put(Some.Slice("n2", Some.Device("gpu-0")));
        Api.Put(Some.Claim("c", Some.Request()));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Equal([("a", "n2")], _rig.Bound);
        var claim = Claim("c");
        Assert.Equal("gpu-0", claim.Status.Allocation!.Devices.Results[0].Device);
        Assert.Equal(("pods", "a", "uid-a"), (claim.Status.ReservedFor[0].Resource, claim.Status.ReservedFor[0].Name, claim.Status.ReservedFor[0].Uid));
        Assert.Contains("resource.kubernetes.io/delete-protection", claim.Metadata.Finalizers);
        var requests = Api.Requests.ToList();
        Assert.True(requests.FindIndex(r => r.Path.EndsWith("/resourceclaims/c/status", StringComparison.Ordinal)) < requests.FindIndex(r => r.Path.EndsWith("/binding", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Two_Pods_never_get_one_device_and_the_second_gets_it_once_it_is_free()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        foreach (string n in new[] { "a", "b" })
        {
            Api.Put(Some.Claim("of-" + n, Some.Request()));
            Api.Put(Make.Pod(n).Uses("of-" + n));
        }
        _rig.Start();
        await Api.UntilAsync(a => a.All<ResourceClaim>().Any(c => c.Status.Allocation is not null) && a.All<Pod>().Any(p => p.Status.Conditions.Exists(c => c.Type == "PodScheduled")), "one has it, the other waits", TimeSpan.FromSeconds(60));
        string first = Claim("of-a").Status.Allocation is not null ? "a" : "b", second = first == "a" ? "b" : "a";
        await SaysAsync(second, "0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.");
        Assert.Null(Claim("of-" + second).Status.Allocation);
        await _rig.BoundAsync(first);
        Api.Remove<Pod>(first);
        Api.Change<ResourceClaim>("of-" + first, c => c with { Status = new() });
        await _rig.BoundAsync(second);
        Assert.Equal("gpu-0", Claim("of-" + second).Status.Allocation!.Devices.Results[0].Device);
    }

    [Fact]
    public async Task A_Pod_waits_for_the_claim_of_its_template_outside_the_queue()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        Api.Put(Make.Pod("a").With(s => s with { ResourceClaims = [new() { Name = "gpu", ResourceClaimTemplateName = "t" }] }));
        Api.Put(Make.Pod("b"));
        _rig.Start();
        await _rig.BoundAsync("b");
        Assert.Equal("", Api.Find<Pod>("a")!.Spec.NodeName);
        var claim = Some.Claim("a-gpu", Some.Request());
        Api.Put(claim with { Metadata = claim.Metadata with { OwnerReferences = [new() { ApiVersion = "v1", Kind = "Pod", Name = "a", Uid = "uid-a", Controller = true }] } });
        Api.Change<Pod>("a", p => p with { Status = p.Status with { ResourceClaimStatuses = [new() { Name = "gpu", ResourceClaimName = "a-gpu" }] } });
        await _rig.BoundAsync("a");
    }

    [Fact]
    public async Task A_claim_that_comes_later_lets_its_Pod_in()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        Api.Put(Some.Claim("c", Some.Request()));
        await _rig.BoundAsync("a");
    }

    [Fact]
    public async Task A_slice_that_comes_later_wakes_the_Pods_that_lacked_its_devices()
    {
        Api.Put(Some.Claim("c", Some.Request()));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await SaysAsync("a", "cannot allocate all claims");
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        await _rig.BoundAsync("a");
    }

    [Theory, InlineData("example.com/gpu"), InlineData("deviceclass.resource.kubernetes.io/late")]
    public async Task A_class_that_comes_later_makes_an_extended_resource_of_its_devices(string resource)
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        Api.Put(Make.Pod("a").With(s => s with { Containers = [new() { Name = "main", Resources = new() { Requests = Some.Amounts((resource, "1")) } }] }));
        _rig.Start();
        await SaysAsync("a", "Insufficient " + resource);
        Api.Put(Some.Class("late") with { Spec = new() { ExtendedResourceName = "example.com/gpu" } });
        await _rig.BoundAsync("a");
    }

    [Fact]
    public async Task An_expression_that_fails_on_one_node_keeps_the_Pod_from_all()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0", ("kind", "gpu"))));
        Api.Put(Some.Slice("n2", Some.Device("gpu-0")));
        Api.Put(Some.Claim("c", Some.Request(selector: "device.attributes['d'].kind == 'gpu'")));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await SaysAsync("a", "running \"DynamicResources\" filter plugin: claim default/c: selector #0: CEL runtime error: no such key: kind");
        Assert.Equal("SchedulerError", Api.Find<Pod>("a")!.Status.Conditions[0].Reason);
        Api.Change<ResourceSlice>("slice-n2", s => s with { Spec = s.Spec with { Devices = [Some.Device("gpu-0", ("kind", "nic"))] } }, ns: "");
        await _rig.BoundAsync("a");
    }

    static Rule Taints(string effect, string? device = null) => new()
    {
        Metadata = new() { Name = "rule", Uid = "uid-rule" },
        Spec = new() { DeviceSelector = new() { Driver = Some.Driver, Device = device }, Taint = new() { Key = "broken", Value = "yes", Effect = effect } },
    };

    [Theory, InlineData("NoSchedule"), InlineData("NoExecute")]
    public async Task A_rule_that_taints_devices_keeps_claims_away_until_it_goes(string effect)
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        Api.Put(Taints(effect));
        Api.Put(Some.Claim("c", Some.Request()));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await SaysAsync("a", "cannot allocate all claims");
        Api.Remove<Rule>("rule", ns: "");
        await _rig.BoundAsync("a");
    }

    [Fact]
    public async Task A_rule_of_one_device_leaves_the_others_and_one_that_only_tells_leaves_all()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0"), Some.Device("gpu-1")));
        Api.Put(Taints("NoSchedule", "gpu-0"));
        Api.Put(Some.Claim("c", Some.Request()));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Equal("gpu-1", Claim("c").Status.Allocation!.Devices.Results[0].Device);
        Api.Change<Rule>("rule", r => r with { Spec = r.Spec with { Taint = r.Spec.Taint with { Effect = "None" } } }, ns: "");
        Api.Put(Some.Claim("d", Some.Request()));
        Api.Put(Make.Pod("b").Uses("d"));
        await _rig.BoundAsync("b");
        Assert.Equal("gpu-0", Claim("d").Status.Allocation!.Devices.Results[0].Device);
    }

    [Fact]
    public async Task A_claim_that_bears_the_taint_gets_the_device_all_the_same()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        Api.Put(Taints("NoExecute"));
        Api.Put(Some.Claim("c", Some.Request().With(e => e with { Tolerations = [new() { Key = "broken", Operator = "Equal", Value = "yes", Effect = "NoExecute" }] })));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Equal("broken", Claim("c").Status.Allocation!.Devices.Results[0].Tolerations[0].Key);
    }

    [Fact]
    public async Task A_rule_without_a_selector_is_of_no_device()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        Api.Put(Taints("NoSchedule") with { Spec = Taints("NoSchedule").Spec with { DeviceSelector = null } });
        Api.Put(Some.Claim("c", Some.Request()));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await _rig.BoundAsync("a");
    }

    [Fact]
    public async Task Devices_where_the_Pod_cannot_run_are_given_up_and_others_taken()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        Api.Put(Some.Slice("n2", Some.Device("gpu-1")));
        Api.Put(Make.Node("n1").Cordoned());
        Api.Put(Some.Claim("c", Some.Request()) with
        {
            Status = new()
            {
                Allocation = new()
                {
                    Devices = new() { Results = [new() { Request = "r", Driver = Some.Driver, Pool = "n1", Device = "gpu-0" }] },
                    NodeSelector = new() { NodeSelectorTerms = [new() { MatchFields = [new() { Key = "metadata.name", Operator = "In", Values = ["n1"] }] }] },
                },
            },
        });
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Equal("gpu-1", Claim("c").Status.Allocation!.Devices.Results[0].Device);
        Assert.Contains(_rig.Events.Told, e => e.Message.Contains("resourceclaim not available on the node", StringComparison.Ordinal) && e.Message.Contains("deallocation of ResourceClaim completed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_binding_that_fails_lets_the_claim_go_and_the_next_try_reserves_it_again()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        Api.Put(Some.Claim("c", Some.Request()));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Failures = 1;
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Single(Claim("c").Status.ReservedFor);
        Assert.Contains(Api.Requests, r => r.Method == "PUT" && r.Object is ResourceClaim { Status: { ReservedFor.IsEmpty: true, Allocation: not null } });
    }

    [Fact]
    public async Task A_conflict_is_tried_again_with_the_claim_as_it_is()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0")));
        Api.Put(Some.Claim("c", Some.Request()));
        Api.Put(Make.Pod("a").Uses("c"));
        int once = 1;
        _rig.Meddle = r =>
        {
            if (r.Method == "PUT" && r.Path.EndsWith("/c/status", StringComparison.Ordinal) && Interlocked.Exchange(ref once, 0) == 1)
                Api.Change<ResourceClaim>("c", c => c with { Metadata = c.Metadata with { Labels = Map.Of(("touched", "yes")) } });
            return null;
        };
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Equal("yes", Claim("c").Metadata.Labels["touched"]);
        Assert.NotNull(Claim("c").Status.Allocation);
    }

    [Fact]
    public async Task A_Pod_is_bound_once_its_devices_are_attached()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0") with { BindingConditions = ["attached"], BindingFailureConditions = ["broken"] }));
        Api.Put(Some.Claim("c", Some.Request()));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await Api.UntilAsync(a => a.Find<ResourceClaim>("c")!.Status.Allocation is { AllocationTimestamp: not null }, "allocated", TimeSpan.FromSeconds(60));
        Assert.Equal("", Api.Find<Pod>("a")!.Spec.NodeName);
        await _rig.Events.UntilAsync(("Normal", "BindingConditionsPending", "waiting for binding conditions for device on node n1"));
        Say("attached");
        await _rig.BoundAsync("a");
    }

    [Fact]
    public async Task A_device_that_cannot_be_attached_is_given_up()
    {
        Api.Put(Some.Slice("n1", Some.Device("gpu-0") with { BindingConditions = ["attached"], BindingFailureConditions = ["broken"] }));
        Api.Put(Some.Claim("c", Some.Request()));
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await Api.UntilAsync(a => a.Find<ResourceClaim>("c")!.Status.Allocation is not null, "allocated", TimeSpan.FromSeconds(60));
        Say("broken");
        await Api.UntilAsync(a => a.Find<ResourceClaim>("c")!.Status.Allocation is null, "given up", TimeSpan.FromSeconds(60));
        await SaysAsync("a", "claim default/c device binding failed");
        Assert.Contains(Api.Requests, r => r.Method == "PATCH" && Encoding.UTF8.GetString(r.Body.Span).Contains("\"reason\":\"SchedulerError\"", StringComparison.Ordinal));
    }

    void Say(string condition) => Api.Change<ResourceClaim>("c", c => c with
    {
        Status = c.Status with { Devices = [new() { Driver = Some.Driver, Pool = "n1", Device = "gpu-0", Conditions = [new() { Type = condition, Status = "True", Reason = "it", Message = "", LastTransitionTime = _rig.Time.GetUtcNow() }] }] },
    });

    [Fact]
    public async Task An_extended_resource_that_a_class_stands_for_becomes_a_claim_of_the_Pod()
    {
        Api.Put(Some.Class() with { Spec = new() { ExtendedResourceName = "example.com/gpu" } });
        Api.Put(Some.Slice("n2", Some.Device("gpu-0"), Some.Device("gpu-1")));
        Pod Asks(string name, string count) => Make.Pod(name).With(s => s with { Containers = [Make.Container() with { Resources = new() { Requests = Some.Amounts(("example.com/gpu", count)) } }] });
        Api.Put(Asks("a", "2"));
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Equal([("a", "n2")], _rig.Bound);
        var claim = Assert.Single(Api.All<ResourceClaim>());
        Assert.StartsWith("a-extended-resources-", claim.Metadata.Name, StringComparison.Ordinal);
        Assert.Equal(2, claim.Status.Allocation!.Devices.Results.Count);
        var status = Api.Find<Pod>("a")!.Status.ExtendedResourceClaimStatus!;
        Assert.Equal((claim.Metadata.Name, "main", "example.com/gpu", "container-0-request-0"), (status.ResourceClaimName, status.RequestMappings[0].ContainerName, status.RequestMappings[0].ResourceName, status.RequestMappings[0].RequestName));
        Api.Put(Asks("b", "1"));
        await SaysAsync("b", "0/2 nodes are available: 2 cannot allocate all claims.");
    }

    [Fact]
    public async Task A_node_with_a_device_plugin_for_the_resource_gives_of_that()
    {
        Api.Put(Some.Class() with { Spec = new() { ExtendedResourceName = "example.com/gpu" } });
        var node = Make.Node("n1");
        Api.Put(node with { Status = node.Status with { Allocatable = node.Status.Allocatable.Set("example.com/gpu", Quantity.Parse("1")) } });
        Api.Put(Make.Pod("a").With(s => s with { Containers = [Make.Container() with { Resources = new() { Requests = Some.Amounts(("example.com/gpu", "1")) } }] }));
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Equal([("a", "n1")], _rig.Bound);
        Assert.Empty(Api.All<ResourceClaim>());
    }

    [Fact]
    public async Task What_a_try_left_behind_of_extended_resources_is_deleted_and_found_anew()
    {
        Api.Put(Some.Class() with { Spec = new() { ExtendedResourceName = "example.com/gpu" } });
        Api.Put(Some.Slice("n2", Some.Device("gpu-0")));
        Api.Put(Some.Claim("a-extended-resources-old", Some.Request("container-0-request-0")) is var left ? left with
        {
            Metadata = left.Metadata with
            {
                Annotations = Map.Of(("resource.kubernetes.io/extended-resource-claim", "true")), Finalizers = ["resource.kubernetes.io/delete-protection"],
                OwnerReferences = [new() { ApiVersion = "v1", Kind = "Pod", Name = "a", Uid = "uid-a", Controller = true }],
            },
            Status = new() { Allocation = new() { Devices = new() { Results = [new() { Request = "container-0-request-0", Driver = Some.Driver, Pool = "n2", Device = "gpu-0" }] } } },
        } : null!);
        Api.Put(Make.Pod("a").With(s => s with { Containers = [Make.Container() with { Resources = new() { Requests = Some.Amounts(("example.com/gpu", "1")) } }] }));
        _rig.Start();
        await SaysAsync("a", "0/2 nodes are available: 2 cannot schedule extended resource claim. deletion of ResourceClaim completed, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.");
        await _rig.BoundAsync("a");
        var claim = Assert.Single(Api.All<ResourceClaim>());
        Assert.NotEqual("a-extended-resources-old", claim.Metadata.Name);
        Assert.Equal("gpu-0", claim.Status.Allocation!.Devices.Results[0].Device);
    }

    [Fact]
    public async Task A_claim_that_the_Pod_holds_whose_devices_cannot_be_attached_is_given_up_too()
    {
        Api.Put(Some.Slice("n2", Some.Device("gpu-1")));
        Api.Put(Some.Claim("c", Some.Request()) with
        {
            Status = new()
            {
                Allocation = new() { Devices = new() { Results = [new() { Request = "r", Driver = Some.Driver, Pool = "n1", Device = "gpu-0", BindingConditions = ["attached"], BindingFailureConditions = ["broken"] }] } },
                ReservedFor = [new() { Resource = "pods", Name = "a", Uid = "uid-a" }],
            },
        });
        Say("broken");
        Api.Put(Make.Pod("a").Uses("c"));
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Equal("gpu-1", Claim("c").Status.Allocation!.Devices.Results[0].Device);
    }
}

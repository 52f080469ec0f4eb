using Hanbae.Api.Core.V1;
using Hanbae.Host.Commands;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Tests.Commands;

public sealed class WhyTests
{
    static readonly Scheduler.Why.Report s_fits = new("", "", [new("vm", true, 100, [])], "");

    static Pod OnVm(PodStatus status) =>
        new() { Metadata = new() { Namespace = "default", Name = "web" }, Spec = new() { NodeName = "vm" }, Status = status };

    static ContainerStatus Waiting(string name, string reason, string message = "") =>
        new() { Name = name, State = new() { Waiting = new() { Reason = reason, Message = message } } };

    static ContainerStatus Ended(string name, int code, string reason) =>
        new() { Name = name, State = new() { Terminated = new() { ExitCode = code, Reason = reason } } };

    public static TheoryData<PodStatus, string[]> States => new()
    {
        {
            new() { Phase = "Running", ContainerStatuses = [new() { Name = "main", State = new() { Running = new() } }] },
            ["default/web is on vm: Running"]
        },
        {
            new() { Phase = "Pending", ContainerStatuses = [Waiting("main", "ImagePullBackOff", "Back-off pulling image \"x\"")] },
            ["default/web is on vm: Pending", "  container main waits: ImagePullBackOff: Back-off pulling image \"x\""]
        },
        {
            new() { Phase = "Pending", InitContainerStatuses = [Ended("first", 3, "Error")],
                ContainerStatuses = [Waiting("main", "PodInitializing")] },
            ["default/web is on vm: Pending", "  container first has ended with exit code 3: Error", "  container main waits: PodInitializing"]
        },
        {
            new() { Phase = "Succeeded", ContainerStatuses = [Ended("main", 0, "Completed")] },
            ["default/web is on vm: Succeeded", "  container main has ended with exit code 0: Completed"]
        },
        { new() { Phase = "Failed", Reason = "Evicted", Message = "no room" }, ["default/web is on vm: Failed: Evicted: no room"] },
    };

    [Theory, MemberData(nameof(States))]
    public void Of_a_Pod_that_has_a_node_it_tells_what_became_of_it(PodStatus status, string[] told) =>
        Assert.Equal([.. told, "if it had no node:", "  vm  fits, score 100"], Why.Lines(OnVm(status), s_fits));

    [Fact]
    public void A_Pod_without_a_node_is_said_to_have_none()
    {
        var pod = OnVm(new() { Phase = "Pending" }) with { Spec = new() };
        Assert.Equal("default/web has no node yet:", Why.Lines(pod, s_fits).First());
    }

    [Theory]
    [InlineData("web")]
    [InlineData("pod/web")]
    [InlineData("Pods/web")]
    [InlineData("po/web")]
    public void A_Pod_is_named_by_its_kind_or_by_itself(string what) => Assert.Equal("web", Why.PodName(what));

    [Theory]
    [InlineData("deployment/web")]
    [InlineData("pod/")]
    [InlineData("")]
    [InlineData("default/pod/web")]
    public void What_is_no_Pod_is_refused_with_the_form_to_write(string what)
    {
        string said = Assert.Throws<SettingsException>(() => Why.PodName(what)).Message;
        Assert.Contains($"\"{what}\"", said, StringComparison.Ordinal);
        Assert.Contains("write pod/NAME", said, StringComparison.Ordinal);
    }
}

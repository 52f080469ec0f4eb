using Hanbae.Api.Apps.V1;
using Hanbae.Scheduler.Simulation;

namespace Hanbae.Scheduler.Tests.Simulation;

/// <summary>What people write is held to what there is; what a cluster has printed is taken as it is.</summary>
public sealed class ManifestsTests
{
    const string Selector = "selector: {matchLabels: {a: b}}";

    [Theory]
    [InlineData("{apiVersion: apps/v1, kind: Deploymnt, metadata: {name: web}}", "there is no kind \"Deploymnt\" in \"apps/v1\"")]
    [InlineData("{apiVersion: app/v1, kind: Deploy, metadata: {name: web}}", "there is no kind \"Deploy\" in \"app/v1\"")]
    [InlineData("{apiVersion: app/v1, kind: Deployment, metadata: {name: web}}", "Deployment of app/v1 is not understood here: write it for apps/v1")]
    [InlineData("{apiVersion: extensions/v1beta1, kind: Deployment, metadata: {name: web}}", "Deployment of extensions/v1beta1 is not understood here: write it for apps/v1")]
    [InlineData("{kind: Deployment, metadata: {name: web}}", "\"\" of Deployment is no API version")]
    [InlineData("{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replica: 3, template: {spec: {conteners: []}}, " + Selector + "}}",
        "Deployment \"web\": unknown field \"spec.replica\", unknown field \"spec.template.spec.conteners\"")]
    public void What_there_is_not_is_an_error_in_what_people_write(string yaml, string refusal)
    {
        Assert.Equal(refusal, Assert.Throws<FormatException>(() => Manifests.Read("---\n" + yaml, strict: true)).Message);
        Manifests.Read("---\n" + yaml);
    }

    [Theory]
    [InlineData("{apiVersion: v1, kind: ConfigMap, metadata: {name: of-no-account}}")]
    [InlineData("{apiVersion: networking.k8s.io/v1beta1, kind: Ingress, metadata: {name: old}}")]
    [InlineData("{apiVersion: serving.example.org/v1, kind: Service, metadata: {name: custom}, spec: {any: thing}}")]
    public void What_has_no_say_is_passed_over(string yaml) => Assert.Empty(Manifests.Read("---\n" + yaml, strict: true));

    [Fact]
    public void What_is_right_is_read() =>
        Assert.Equal(3, Assert.IsType<Deployment>(Assert.Single(Manifests.Read("---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3, " + Selector + "}}", strict: true))).Spec.Replicas);
}

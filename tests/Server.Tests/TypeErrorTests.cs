namespace Hanbae.Server.Tests;

/// <summary>A value of the wrong type is named as a Go server names it.</summary>
public sealed class TypeErrorTests
{
    const string Deployments = "/apis/apps/v1/namespaces/default/deployments", Prefix = "Deployment in version \"v1\" cannot be handled as a Deployment: ";

    [Theory]
    [InlineData("\"spec\":{\"replicas\":\"3\"}", "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("\"spec\":{\"replicas\":1.5}", "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("\"spec\":{\"paused\":\"yes\"}", "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool")]
    [InlineData("\"spec\":[]", "json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec")]
    [InlineData("\"metadata\":{\"labels\":{\"a\":1}}", "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string")]
    [InlineData("\"metadata\":{\"labels\":[]}", "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string")]
    [InlineData("\"spec\":{\"template\":{\"spec\":{\"containers\":{}}}}", "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container")]
    [InlineData("\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"image\":5}]}}}", "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.image of type string")]
    [InlineData("\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"imagePullPolicy\":true}]}}}", "json: cannot unmarshal bool into Go struct field Container.spec.template.spec.containers.imagePullPolicy of type v1.PullPolicy")]
    [InlineData("\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"ports\":[{\"containerPort\":\"80\"}]}]}}}", "json: cannot unmarshal string into Go struct field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32")]
    [InlineData("\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"args\":[1]}]}}}", "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.args of type string")]
    [InlineData("\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":true}}}", "json: cannot unmarshal bool into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type int32")]
    public async Task A_wrong_type_names_the_field(string rest, string message)
    {
        await using var server = await TestServer.StartAsync();
        var answer = await server.PostAsync(Deployments, "{\"kind\":\"Deployment\",\"apiVersion\":\"apps/v1\"," + rest + "}");
        Assert.Equal((400, "BadRequest", Prefix + message), (answer.Code, answer.Text("reason"), answer.Message));
    }

    [Fact]
    public async Task Syntax_comes_before_types_and_shows_how_the_body_begins()
    {
        await using var server = await TestServer.StartAsync();
        var answer = await server.PostAsync(Deployments, "kind: Deployment and some more of this");
        Assert.Equal("the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: invalid character 'k' looking for beginning of value (6b696e643a204465706c6f796d656e7420616e6420736f6d65206d6f7265 ...)", answer.Message);
        answer = await server.PostAsync(Deployments, "{\"kind\":5}");
        Assert.Equal("the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string ({\"kind\":5})", answer.Message);
    }
}

using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Legacy = Hanbae.Api.Core.V1.Endpoints;

namespace Hanbae.Controllers.Tests.Endpoints;

public sealed class ReflectTests
{
    [Fact]
    public async Task What_is_left_of_a_Service_that_went_while_nobody_looked_goes_and_what_others_wrote_stays()
    {
        await using var cluster = new TestCluster(["endpoint"], api =>
        {
            api.Put(new Legacy { Metadata = new() { Name = "left", Namespace = "default", Labels = Map.Of(("endpoints.kubernetes.io/managed-by", "endpoint-controller")) } });
            api.Put(new Legacy { Metadata = new() { Name = "written", Namespace = "default" } });
        });
        await cluster.UntilAsync(api => api.Find<Legacy>("left") is null);
        Assert.NotNull(cluster.Api.Find<Legacy>("written"));
    }

    [Theory, InlineData("POST", "FailedToCreateEndpoint", "Failed to create endpoint for service default/web: no"), InlineData("PUT", "FailedToUpdateEndpoint", "Failed to update endpoint default/web: no")]
    public async Task What_cannot_be_written_is_told(string method, string reason, string message)
    {
        await using var cluster = new TestCluster(["endpoint"], api =>
        {
            api.Intercept = r => r.Method == method ? new() { Code = 500, Object = new Status { StatusValue = "Failure", Code = 500, Reason = "InternalError", Message = "no" } } : null;
            if (method == "PUT") api.Put(new Legacy { Metadata = new() { Name = "web", Namespace = "default" } });
            api.Put(EndpointSlices.ReflectPlanTests.Service());
        });
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains((reason, message)));
    }
}

namespace Hanbae.Server.Subresources;

/// <summary>The server's own handlers of what is no plain storage.</summary>
sealed class BuiltInHandlers(ApiServer server)
{
    public IEnumerable<RestRoute> Routes()
    {
        _ = server;
        return [];
    }
}

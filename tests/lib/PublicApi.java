import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jetbrains.kotlin.abi.tools.AbiToolsFactory;
import org.jetbrains.kotlin.abi.tools.api.AbiFilters;

/** Prints what of the classes in a folder is public in Kotlin: java PublicApi.java FOLDER */
final class PublicApi {
    public static void main(String[] arguments) throws Exception {
        List<File> classes;
        try (var all = Files.walk(Path.of(arguments[0]))) {
            classes = all.filter(path -> path.toString().endsWith(".class")).map(Path::toFile).toList();
        }
        var found = new StringBuilder();
        var filters = new AbiFilters(Set.of(), Set.of(), Set.of(), Set.of());
        new AbiToolsFactory().get().getV2().printJvmDump(found, classes, filters);
        System.out.print(found);
    }
}
